"""The version of this package: one constant, which equals the version of the runtime that it was made for.

It is a constant because reading the installed metadata would cost more than the rest of the import.
"""

__version__ = "0.163.0"
