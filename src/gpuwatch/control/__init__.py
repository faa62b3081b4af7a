"""Control: the local socket by which people and tools talk to the agent."""
