"""Writes the code that the runtime's own JSON schema decides.

Owns the way from the packaged runtime's schema to the Pydantic models, the method tables in
Python and the protocol tables in Rust. Never imported by the package itself: run it as
``python -m scripts.generate`` from the repository's root (``--check`` compares instead of writing).
"""
