"""Policy: rules over history become findings, flags and plans."""
