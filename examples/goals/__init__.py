"""A goal that takes more than one turn."""
