"""DMI: who made this server and which one it is, as the kernel shows its firmware's tables.

The kernel keeps serial numbers for root (mode 0400); asset tags, maker and product are for all:
https://docs.kernel.org/admin-guide/abi-testing.html (/sys/class/dmi/id). Makers fill what they
do not know with words, which say nothing of this server.
"""

from pathlib import Path

from gpuwatch.domain.servers import Server
from gpuwatch.sources.makers import told

_LONGEST = 64


def server_of(sysfs: Path) -> Server:
    """What the kernel shows under `sysfs`; what it does not show to us is ""."""
    folder = sysfs / "class" / "dmi" / "id"
    return Server(
        maker=_text(folder / "sys_vendor"),
        product=_text(folder / "product_name"),
        serial=_text(folder / "product_serial") or _text(folder / "chassis_serial"),
        asset_tag=_text(folder / "chassis_asset_tag"),
    )


def _text(path: Path) -> str:
    try:
        text = path.read_bytes()[:_LONGEST].decode("utf-8", "replace")
    except OSError:
        return ""
    return told("".join(one if one.isprintable() else " " for one in text))
