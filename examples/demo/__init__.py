"""A wall of concurrent turns: `python -m examples.demo`, or `make demo`."""
