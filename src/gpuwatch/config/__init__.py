"""Configuration: settings from file, drop-ins, environment, command line and credentials."""
