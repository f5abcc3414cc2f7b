"""A monitor of every turn of a client, beside the work."""
