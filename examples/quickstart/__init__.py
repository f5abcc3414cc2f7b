"""A client, a thread, a turn."""
