"""Hardware: the settings of the sources that ask it."""

from datetime import timedelta
from itertools import pairwise

from pydantic import Field, StrictBool, StrictInt
from pydantic import model_validator as after_fields

from gpuwatch.config.durations import format_duration
from gpuwatch.config.section import DAY, HOUR, MINUTE, SECOND, Section, refuse
from gpuwatch.config.values import AbsolutePath, Duration


class Nvml(Section):
    """The GPUs, asked through NVML in a child process."""

    enabled: StrictBool = Field(default=True, description="Whether GPUs are asked at all.")
    required: StrictBool = Field(
        default=True, description="Whether /readyz needs fresh readings of this source."
    )
    expected_gpus: StrictInt | None = Field(
        None,
        ge=0,
        le=1024,
        description="GPUs that this host must have; unset: any number.",
    )
    fast: Duration = Field(
        10 * SECOND, ge=2 * SECOND, le=HOUR, description="Cadence of errors, power, temperature."
    )
    slow: Duration = Field(
        MINUTE, ge=2 * SECOND, le=6 * HOUR, description="Cadence of locations, links, violations."
    )
    rare: Duration = Field(
        5 * MINUTE, ge=2 * SECOND, le=DAY, description="Cadence of histograms and retired pages."
    )
    inventory: Duration = Field(
        HOUR, ge=10 * SECOND, le=7 * DAY, description="Cadence of serials, versions and modes."
    )
    init_deadline: Duration = Field(
        2 * MINUTE, ge=SECOND, le=HOUR, description="How long NVML may take to initialise."
    )
    inventory_deadline: Duration = Field(
        30 * SECOND, ge=SECOND, le=HOUR, description="How long an inventory may take for each GPU."
    )
    fast_deadline: Duration = Field(
        10 * SECOND, ge=SECOND, le=HOUR, description="How long a fast sweep may take for each GPU."
    )
    slow_deadline: Duration = Field(
        30 * SECOND,
        ge=SECOND,
        le=HOUR,
        description="How long a sweep with slow or rare signals may take for each GPU.",
    )
    retry_after: tuple[Duration, ...] = Field(
        (MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR),
        min_length=1,
        max_length=16,
        description="When a GPU that hung is tried again, alone; the last one repeats.",
    )
    end_grace: Duration = Field(
        2 * SECOND,
        ge=timedelta(milliseconds=100),
        le=MINUTE,
        description="How long the child may take to end after its input ends, before SIGTERM.",
    )
    kill_after: Duration = Field(
        10 * SECOND,
        ge=timedelta(milliseconds=100),
        le=10 * MINUTE,
        description="How long the child may take after SIGTERM, before SIGKILL.",
    )
    max_unkillable: StrictInt = Field(
        2, ge=1, le=8, description="Children stuck in the driver that are left before asking ends."
    )
    sysfs: AbsolutePath = Field("/sys", min_length=1, description="Where sysfs is mounted.")
    proc: AbsolutePath = Field("/proc", min_length=1, description="Where procfs is mounted.")
    library_path: AbsolutePath = Field(
        "", description='Folder of libnvidia-ml.so.1; "" leaves the search to the system.'
    )
    sram_counts: AbsolutePath = Field(
        "/run/gpuwatch-sram/counts.json",
        description="Where gpuwatch-sram.service leaves what the driver tells to root only; "
        '"": not looked for.',
    )

    @after_fields(mode="after")
    def _in_order(self) -> "Nvml":
        cadences = ("fast", "slow", "rare", "inventory")
        problems = {
            slower: f"is shorter than nvml.{faster} ({format_duration(getattr(self, faster))});"
            " it asks less often, so make it at least as long"
            for faster, slower in pairwise(cadences)
            if getattr(self, slower) < getattr(self, faster)
        }
        if any(pause < 10 * SECOND for pause in self.retry_after):
            problems["retry_after"] = (
                "tries a GPU that hung again within 10s; make each pause at least that long"
            )
        refuse(**problems)
        return self


class KernelLog(Section):
    """The kernel log, where Xids are."""

    enabled: StrictBool = Field(default=True, description="Whether the kernel log is read.")
    required: StrictBool = Field(
        default=False, description="Whether /readyz needs this source to be up."
    )
    path: AbsolutePath = Field(
        "/dev/kmsg", min_length=1, description="The device; reading it needs CAP_SYSLOG."
    )
    pstore_directories: tuple[AbsolutePath, ...] = Field(
        ("/sys/fs/pstore", "/var/lib/systemd/pstore"),
        description="Where the kernel left its last words before a crash.",
    )
