"""What goes out: inputs and options with their checks, and every request with the way to read its answer."""
