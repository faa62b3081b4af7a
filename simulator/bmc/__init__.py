"""The simulated BMC: OpenIPMI's ipmi_sim with the sensors, FRUs and SEL of an 8-GPU server."""
