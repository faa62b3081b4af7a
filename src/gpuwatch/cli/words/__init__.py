"""Words: the command line by groups of commands; each module adds its own."""
