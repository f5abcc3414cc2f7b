"""Code made from the runtime's own schema by ``python -m scripts.generate``.

Owns nothing by hand but the base classes in ``_base.py``; it imports nothing here, so that a program
pays only for the tables and models that it asks for.
"""
