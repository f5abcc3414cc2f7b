"""Wheels for every platform, built and checked on one machine: `make wheel`, `make wheels`, `make sdist`."""
