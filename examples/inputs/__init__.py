"""What a turn can be given besides text, and what can be asked of its answer."""
