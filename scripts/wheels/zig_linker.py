"""The linker of a module for Windows on a machine of another system: a script around zig.

Owns the arguments that zig gets. For other platforms maturin calls zig; for Windows it would have it export a
function of the dotted name of the module, and there is none. So cargo calls it here, and it gets the exports
that Rust lists, in a file that it takes by itself, but not as an option of the linker.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

# A module that is linked twice is the same: in place of the time it bears a digest of its content.
_SCRIPT = """\
#!/bin/sh
for argument; do
    shift
    case $argument in -Wl,*.def) argument=${{argument#-Wl,}} ;; esac
    set -- "$@" "$argument"
done
exec {zigbuild} zig cc -- -target {machine}-windows-gnu -Wl,-Brepro "$@"
"""


def write(path: Path, target: str) -> None:
    """Write the linker for `target`, by Rust's name, to `path`."""
    # It leaves out those of Rust's arguments that zig does not know.
    zigbuild = Path(sys.executable).with_name("cargo-zigbuild")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        _SCRIPT.format(zigbuild=shlex.quote(str(zigbuild)), machine=target.partition("-")[0]), "utf-8"
    )
    path.chmod(0o755)
