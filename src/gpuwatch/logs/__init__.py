"""Logs: one line an event, for journald, terminals and collectors."""
