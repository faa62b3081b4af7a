"""Backups: the section that says where nightly backups go and how many are kept."""

from pydantic import Field, StrictBool, StrictInt

from gpuwatch.config.section import Section
from gpuwatch.config.values import AbsolutePath


class Backups(Section):
    """Nightly backups of all that is remembered, made by the agent itself."""

    enabled: StrictBool = Field(default=True, description="Whether they are made.")
    directory: AbsolutePath = Field(
        "",
        description='Folder of the backups; "" is backups in agent.state_directory, which the loss'
        " of that disk takes with it. Hosts may share one.",
    )
    hour: StrictInt = Field(
        2,
        ge=0,
        le=23,
        description="Hour (UTC) in which they begin; each host has its minute in it.",
    )
    keep: StrictInt = Field(
        7,
        ge=1,
        le=366,
        description="How many are kept of this host; the oldest go once a new one is whole.",
    )
