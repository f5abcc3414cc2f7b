"""Runs one measured program in this process: `python -m benches.child SPEC`.

SPEC is the JSON of a `measure.Spec`. The last line that is printed is the JSON of the figures.
"""

from __future__ import annotations

import json
import os
import sys


def main() -> None:
    spec = json.loads(sys.argv[1])
    if spec["package"]:
        from .plan import Plan
        from .programs import PROGRAMS
        from .stage import Stage

        figures = PROGRAMS[spec["program"]](Stage(spec["package"], Plan(**spec["plan"]), spec["options"]))
    else:
        from .limits import LIMITS
        from .plan import Plan

        figures = LIMITS[spec["program"]](Plan(**spec["plan"]), spec["options"])
    print(json.dumps(figures), flush=True)
    # Streams that wait, and threads that hang, are no part of it; the servers end with their stdin.
    os._exit(0)


if __name__ == "__main__":
    main()
