"""Programs that show the SDK at work; `python -m examples.offline` runs each of them without a login."""
