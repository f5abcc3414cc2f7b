"""The threads' shell. Everything in it but `waiting` is made from `_async` by `scripts/make_sync.py`."""
