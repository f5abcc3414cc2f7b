"""What the agent does during a turn, watched as it happens."""
