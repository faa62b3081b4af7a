"""Document: docs/configuration.md, written from the models so that it cannot lie."""

from collections.abc import Iterator

from pydantic.fields import FieldInfo

from gpuwatch.config.layers import DEFAULT_FILE, FILE_VARIABLE
from gpuwatch.config.models import Settings
from gpuwatch.config.schema import heading, sections, shown

_INTRODUCTION = f"""\
# Configuration

Everything has a default: an agent without a file watches the GPUs of its host. `gpuwatch
check-config` prints each effective value and where it came from, or every problem, and exits 78.

Where a value comes from, strongest first:

1. the command line: `--set nvml.fast=5s` (of `gpuwatch run` and `gpuwatch check-config`)
2. the environment: `GPUWATCH_NVML__FAST=5s` (two underscores after the section)
3. systemd credentials: `LoadCredential=gpuwatch.nvml.fast:FILE`; what comes from one is never shown
4. drop-ins: `conf.d/*.toml` beside the file; a later name is stronger
5. the file: `--config FILE`, else `{FILE_VARIABLE}`, else `{DEFAULT_FILE}`
   where it exists
6. the default

- A duration is a text of numbers with units, the largest first: `"10s"`, `"5m"`, `"1h30m"`, `"14d"`
  (w, d, h, m, s, ms). A number alone is refused, because nobody can see its unit.
- In the environment, a credential or `--set`, texts and durations stand without quotes, everything
  else as in the file: `true`, `8`, `["a", "b"]`; a list may also be `a,b`.
- A list takes the place of a weaker one. `[[windows]]` of the file and its drop-ins add up, and
  so do `[[blackouts]]` and `[[calendars]]`.
- A BMC has a name of its own, `[bmc.NAME]`, of a-z, 0-9 and `-`; what sources say of one name adds
  up key by key: `--set bmc.host.interval=2m`, `GPUWATCH_BMC__HOST__INTERVAL=2m`. Its password is
  never a setting: see [bmc.md](bmc.md). Likewise `[hooks.NAME]`: see [hooks.md](hooks.md).
- A key or variable that does not exist, a value out of bounds, a named file that is missing: all
  are refused, all at once, with where they stand and what to write instead. The files that a BMC's
  settings name are looked at by `check-config` only: the agent starts, and tells it of that BMC.
  The file that protects the port (`web.config_file`) is looked at by both: without it nothing is
  served. See [tls.md](tls.md).
- SIGHUP reads everything again. A configuration that is refused changes nothing and is logged.
  Sections marked *live* take effect at once, the others at the next start, which the log says too.
"""


def markdown() -> str:
    """The whole document."""
    return _INTRODUCTION + "".join(_section(name) for name in Settings.model_fields)


def _section(name: str) -> str:
    model = dict(sections())[name]
    live = " *(live)*" if name in Settings.LIVE else ""
    purpose = (model.__doc__ or "").strip()
    rows = "".join(_row(key, field) for key, field in model.model_fields.items())
    table = f"| key | default | bounds | meaning |\n| --- | --- | --- | --- |\n{rows}"
    return f"\n## `{heading(name)}`{live}\n\n{purpose}\n\n{table}"


def _row(key: str, field: FieldInfo) -> str:
    required = field.is_required()
    default = field.get_default(call_default_factory=True, validated_data={})
    shown_default = "required" if required else f"`{shown(default)}`"
    cells = (f"`{key}`", shown_default, ", ".join(bounds_of(field)), field.description or "")
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def bounds_of(field: FieldInfo) -> Iterator[str]:
    """The bounds of a setting, in words."""
    for words, name in (("at least", "ge"), ("at most", "le")):
        for bound in field.metadata:
            if hasattr(bound, name):
                yield f"{words} `{shown(getattr(bound, name))}`"
