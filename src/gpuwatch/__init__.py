"""gpuwatch: watches GPUs, remembers every board, flags boards to replace in a planned window."""

__version__ = "0.1.0"
