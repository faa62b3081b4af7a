"""Agent: the loop from sources to exposition, and the wiring of the rooms."""

from gpuwatch.agent.process import run

__all__ = ["run"]
