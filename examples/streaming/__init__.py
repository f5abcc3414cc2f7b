"""Everything that happens in a turn, as it happens."""
