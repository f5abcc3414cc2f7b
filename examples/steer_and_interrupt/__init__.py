"""More input for a turn that runs, and the end of one."""
