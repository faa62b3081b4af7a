"""Sources: everything that reads hardware, each in a child process with deadlines."""
