"""Kernel lines: what the kernel wrote of GPUs and of the buses they sit on, word by word."""

from collections.abc import Sequence
from dataclasses import dataclass

TEXT_LIMIT = 1_000  # characters
LINES_LIMIT = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelLine:
    """One line of the kernel log as it was written, cut after `TEXT_LIMIT` characters.

    `at` is Unix seconds, `usec` the microseconds on the log's own clock, `priority` the kernel's
    (None where a crash dump kept none). `pci_address` is the last that the text names,
    `0000:01:00.0`, "" for none. `boot_id` is of the boot that wrote it; of a boot that only its
    crash dump tells of, a name made from the dump's date.
    """

    at: float
    text: str
    boot_id: str
    usec: int
    priority: int | None = None
    pci_address: str = ""


def about(lines: Sequence[KernelLine], pci_address: str) -> tuple[KernelLine, ...]:
    """The lines to keep for a board at `pci_address` of all `lines`, in their order.

    The latest that name it go first, then the latest of all others: what a neighbour, a switch or
    a port above it had to say belongs to the story as well.
    """
    numbered = list(enumerate(lines))
    device = _device(pci_address)
    own = [one for one in numbered if device and _device(one[1].pci_address) == device]
    mine = {place for place, _ in own}
    others = [one for one in numbered if one[0] not in mine]
    own = own[-LINES_LIMIT:]
    room = LINES_LIMIT - len(own)
    chosen = own + (others[-room:] if room else [])
    return tuple(line for _, line in sorted(chosen, key=lambda one: one[0]))


def _device(pci_address: str) -> str:
    """The address without its function: a board's lines may name any of them."""
    return pci_address.partition(".")[0]
