"""Section: what every section of the configuration has in common."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
DAY = timedelta(days=1)


class Section(BaseModel):
    """A section of the configuration: nothing unknown in it, nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def refuse(**problems: str) -> None:
    """Raise the error that says which keys contradict others, each with its sentence, if any."""
    if problems:
        raise PydanticCustomError("gpuwatch_section", "{problems}", {"problems": problems})
