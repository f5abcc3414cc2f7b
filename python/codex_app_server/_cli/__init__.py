"""The commands of `python -m codex_app_server`. Nothing here is imported by programs."""
