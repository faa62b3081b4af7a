"""IPMI child: asks one BMC over LAN or in band; the only room that knows pyghmi."""
