"""Fleet: planning over many hosts, through a Prometheus-compatible API."""
