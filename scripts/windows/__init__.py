"""Runs the tests on Windows' own CPython and runtime, on a Linux machine, under Wine: `make test-windows`."""
