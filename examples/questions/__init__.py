"""Questions that the agent asks, and the program answers."""
