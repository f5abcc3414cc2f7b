"""How the runtime is found and started: from a `CodexConfig` to a command."""
