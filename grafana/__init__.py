"""Dashboards for Grafana, built from code: `python -m grafana.build` writes grafana/dashboards."""
