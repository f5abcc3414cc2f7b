"""Functions of the program that the agent calls."""
