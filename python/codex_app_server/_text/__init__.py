"""What of a text may be shown to people: terminal escapes and secrets are taken out."""
