"""Viewer: dashboards drawn by Grafana's own components, for whoever changes them."""
