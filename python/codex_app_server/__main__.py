"""`python -m codex_app_server`: logins, and what works and what does not. The commands are in `_cli`.

Nothing imports this: a program that uses the package pays nothing for its commands.
"""

import sys

from ._cli.main import main

if __name__ == "__main__":
    sys.exit(main())
