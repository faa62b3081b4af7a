"""Alerts: the rules for Prometheus, written from the rule table by `gpuwatch rules --alerts`."""
