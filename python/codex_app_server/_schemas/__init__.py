"""JSON schemas of Python types, and what they demand in words. Used by tools and output types."""
