"""Approvals on a web page: the agent asks, a visitor answers."""
