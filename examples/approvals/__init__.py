"""Approvals in the terminal: the agent asks, a person answers."""
