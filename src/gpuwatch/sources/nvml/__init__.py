"""NVML child: the one process that touches the binding; it sweeps, waits for events, and can hang.

Run as `python -m gpuwatch.sources.nvml --progress-fd N --table HASH [--sysfs /sys]`; it speaks the
protocol of `gpuwatch.sources.wire` and imports nothing that it does not need.
"""
