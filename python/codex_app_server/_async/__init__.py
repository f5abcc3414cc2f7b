"""The asyncio shell. Everything in it but `waiting` is the source from which `_sync` is made."""
