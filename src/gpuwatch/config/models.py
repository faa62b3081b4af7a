"""Models: every setting there is, with its default, its bounds and what it is for.

A section lists here is a section of the file. `LIVE` sections take effect at a reload (SIGHUP);
the others at the next start. Defaults of cadences and deadlines stand in the architecture notes.
"""

import difflib
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, StrictBool, StrictFloat, StrictInt, StrictStr
from pydantic import model_validator as after_fields
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from gpuwatch.config.backups import Backups
from gpuwatch.config.bmc import Bmcs
from gpuwatch.config.hardware import KernelLog, Nvml
from gpuwatch.config.hooks import Hooks
from gpuwatch.config.occasions import (
    MaintenanceBlackout,
    MaintenanceCalendar,
    MaintenanceWindow,
)
from gpuwatch.config.section import DAY, HOUR, Section, refuse
from gpuwatch.config.values import AbsolutePath, Duration, Zone, refused
from gpuwatch.config.web import Web
from gpuwatch.policy.rules import RULES


class LogFormat(StrEnum):
    """How log lines look; auto chooses by what standard error is connected to."""

    AUTO = "auto"
    JOURNAL = "journal"
    CONSOLE = "console"
    JSON = "json"


class LogLevel(StrEnum):
    """The least severe events that are logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Agent(Section):
    """Where the agent keeps its things and what it calls this host."""

    state_directory: AbsolutePath = Field(
        "/var/lib/gpuwatch", min_length=1, description="Folder of the history; kept for years."
    )
    runtime_directory: AbsolutePath = Field(
        "/run/gpuwatch",
        min_length=1,
        description="Folder of the control socket and of maintenance files; may vanish at boot.",
    )
    hostname: StrictStr = Field(
        "", description='Name of this host on the page and in documents; "" is the system\'s.'
    )
    allow_root: StrictBool = Field(
        default=False,
        description="Whether it may run as root and listen on more than loopback all the same.",
    )


class History(Section):
    """Where history is kept (how long is not a setting: counts bound it, evidence stays)."""

    path: AbsolutePath = Field(
        "", description='The database; "" is history.db in agent.state_directory.'
    )
    known_boards: AbsolutePath = Field(
        "/etc/gpuwatch/known-boards.d",
        description="Folder of files *.ndjson, written by `gpuwatch boards export` on other hosts;"
        ' read at the start and at SIGHUP. "" reads none.',
    )


# ASHRAE TC 9.9, Thermal Guidelines for Data Processing Environments: what is allowable at most.
_INLET_CELSIUS = {"A1": 32.0, "A2": 35.0, "A3": 40.0, "A4": 45.0}


class Policy(Section):
    """How errors are judged (the arithmetic is documented with the rules)."""

    healthy_rate_per_year: StrictFloat = Field(
        0.05, ge=0.02, le=0.5, description="Incidents a year of a healthy board."
    )
    lambda0_by_part: dict[StrictStr, StrictFloat] = Field(
        default_factory=dict,
        description="The same for boards of one part number, measured in one's own fleet.",
    )
    false_flag_budget_per_year: StrictFloat = Field(
        0.001, ge=0.00001, le=0.1, description="Flags by chance that one accepts, a board-year."
    )
    trend_due: Duration = Field(
        14 * DAY, ge=HOUR, le=90 * DAY, description="When a board with a rising trend is due."
    )
    window_notice: Duration = Field(
        4 * HOUR,
        ge=timedelta(0),
        le=30 * DAY,
        description="A flag goes into the first window that starts at least this much later.",
    )
    boards_per_window: StrictInt = Field(
        2,
        ge=1,
        le=64,
        description="Boards of this host that one window can take; those that leave together, as"
        " one field-replaceable unit, count as one.",
    )

    inlet_class: Literal["A1", "A2", "A3", "A4"] = Field(
        "A2",
        description="ASHRAE class of the servers: above 32, 35, 40 or 45 degrees Celsius their"
        " inlet is too hot.",
    )
    inlet_celsius_max: StrictFloat | None = Field(
        None,
        ge=15,
        le=60,
        description="The same as a temperature, where the vendor names one; instead of the class.",
    )

    @after_fields(mode="after")
    def _one_inlet(self) -> "Policy":
        if self.inlet_celsius_max is not None and "inlet_class" in self.model_fields_set:
            refuse(inlet_celsius_max="stands beside inlet_class (keep one of them)")
        return self

    @property
    def inlet_limit(self) -> float:
        """Degrees Celsius above which the air at an inlet is too hot."""
        return self.inlet_celsius_max or _INLET_CELSIUS[self.inlet_class]

    @after_fields(mode="after")
    def _rates(self) -> "Policy":
        low, high = 0.02, 0.5
        refuse(
            **{
                f"lambda0_by_part.{part}": f"is not a rate from {low} to {high} incidents a year"
                for part, rate in self.lambda0_by_part.items()
                if not low <= rate <= high
            }
        )
        # The trend test divides a budget of false flags: of more than all there are, there is none.
        lowest = min(self.healthy_rate_per_year, *self.lambda0_by_part.values(), high)
        if self.false_flag_budget_per_year >= lowest:
            refuse(
                false_flag_budget_per_year="is not below the lowest rate of a healthy board, "
                f"{lowest:g} (the default is 0.001)"
            )
        return self


def _rule(value: object) -> str:
    """The code of a rule that exists."""
    codes = [rule.code for rule in RULES]
    if isinstance(value, str) and value in codes:
        return value
    near = difflib.get_close_matches(str(value), codes, 1)
    meant = f"did you mean {near[0]}?" if near else "gpuwatch rules lists them"
    raise refused(f"is no rule ({meant})")


RuleCode = Annotated[str, BeforeValidator(_rule)]


class Rules(Section):
    """Which rules speak, and how loudly. Thresholds are not settings."""

    disabled: tuple[RuleCode, ...] = Field((), description="Codes of rules that never hold.")
    not_paging: tuple[RuleCode, ...] = Field(
        (), description="Codes of rules that page otherwise, and now wait for the window."
    )
    shadow: StrictBool = Field(
        default=False, description="Turns every route into info: watch first, page later."
    )


class Compat(Section):
    """Metrics under the names of other exporters, at /metrics/compat."""

    ipmi: StrictBool = Field(
        default=False, description="Whether sensors are also told as ipmi_exporter tells them."
    )
    dcgm: StrictBool = Field(
        default=False, description="Whether GPUs are also told as dcgm-exporter tells them."
    )


class Host(Section):
    """Where this host stands; labels of gpuwatch_gpu_info."""

    site: StrictStr = Field("", description="Data centre.")
    row: StrictStr = Field("", description="Row of racks.")
    rack: StrictStr = Field("", description="Rack.")
    unit: StrictStr = Field("", description="Height unit in the rack.")
    fru: Literal["", "module", "baseboard", "tray", "server"] = Field(
        "",
        description='What is replaced as one piece, written on every flag; "" is as the platform'
        " makes usual: the tray of an NVL rack, the baseboard of SXM modules, else a card.",
    )


class WorkOrders(Section):
    """What the work order for people at the rack adds to what gpuwatch knows."""

    zone: Zone = Field(
        "UTC", description='Time zone of the hall, such as "Europe/Berlin"; beside UTC on paper.'
    )
    contacts: tuple[StrictStr, ...] = Field((), description="Whom to call, a line each.")
    notes: tuple[StrictStr, ...] = Field(
        (), description="What to know on site (badge, lift, spares), a line each."
    )
    drain: StrictStr = Field("", description="How this site takes a host out of service.")


class Log(Section):
    """What the agent says on standard error."""

    format: LogFormat = Field(
        LogFormat.AUTO, description="auto: journal under systemd, console on a terminal, else JSON."
    )
    level: LogLevel = Field(LogLevel.INFO, description="The least severe events that are logged.")


class Settings(BaseSettings):
    """All settings, checked."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
    LIVE: ClassVar = frozenset(
        {
            "policy",
            "rules",
            "windows",
            "blackouts",
            "calendars",
            "host",
            "work_orders",
            "hooks",
            "log",
        }
    )

    agent: Agent = Agent()
    web: Web = Web()
    nvml: Nvml = Nvml()
    kernel_log: KernelLog = KernelLog()
    bmc: Bmcs = {}
    history: History = History()
    backups: Backups = Backups()
    policy: Policy = Policy()
    rules: Rules = Rules()
    windows: tuple[MaintenanceWindow, ...] = ()
    blackouts: tuple[MaintenanceBlackout, ...] = ()
    calendars: tuple[MaintenanceCalendar, ...] = ()
    host: Host = Host()
    work_orders: WorkOrders = WorkOrders()
    hooks: Hooks = {}
    compat: Compat = Compat()
    log: Log = Log()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the library passes all by keyword
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what it is given: `loading` gives it the layers, which remember where from."""
        return (init_settings,)
