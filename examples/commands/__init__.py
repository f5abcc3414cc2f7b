"""Programs that the runtime runs for its client."""
