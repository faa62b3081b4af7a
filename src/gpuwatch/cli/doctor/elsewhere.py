"""Elsewhere: remedies in words that hold where no systemd runs the agent, as in a container."""

# What a remedy says of systemd, and what does the same without.
_INSTEAD = {
    "sudo systemctl restart gpuwatch": "start the agent anew",
    "sudo systemctl reload gpuwatch": "send the agent SIGHUP",
    "sudo systemctl start gpuwatch": "start the agent",
    "sudo systemctl enable --now nvidia-persistenced": "start nvidia-persistenced",
    "sudo systemctl enable --now gpuwatch-sram.timer: root asks for the agent": (
        "have root run gpuwatch sram-counts every five minutes, for the agent"
    ),
    "systemd/20-clock.conf lets the agent ask; timedatectl": (
        "chronyc tracking or timedatectl on the host"
    ),
    "start the agent by its unit, which makes it": "make it, then start the agent",
    "journalctl -u gpuwatch -n 50": "what it wrote to its standard error",
}


def without_systemd(remedy: str) -> str:
    """The way out for who has neither systemctl nor a journal."""
    for systemds, instead in _INSTEAD.items():
        remedy = remedy.replace(systemds, instead)
    return remedy
