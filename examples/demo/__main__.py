"""Starts the demonstration: `python -m examples.demo [--turns N] [--live]`."""

import sys

try:
    # Imported inside, because Ctrl-C may also come while the imports still run.
    from .command import main

    sys.exit(main())
except KeyboardInterrupt:
    print("\n Stopped; nothing is left running.")
    sys.exit(130)
