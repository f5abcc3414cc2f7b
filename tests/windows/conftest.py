"""These tests are about Windows, and are not even imported elsewhere."""

import sys

collect_ignore_glob = [] if sys.platform == "win32" else ["test_*.py"]
