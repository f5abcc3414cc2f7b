"""Releases: what is checked before one, and the source trees that its distributions are built from."""
