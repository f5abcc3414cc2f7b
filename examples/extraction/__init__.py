"""Data out of a folder of letters."""
