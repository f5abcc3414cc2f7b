"""What is told of a runtime beside its events: the lines of the wire, and those of its stderr."""
