"""Threads outlive the client that made them."""
