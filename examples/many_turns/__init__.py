"""Many turns of one client at once."""
