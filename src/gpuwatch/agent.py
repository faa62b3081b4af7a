"""Agent: the loop from sources to exposition."""
