"""Writes THIRD-PARTY-LICENSES.txt: the licenses of the Rust code that is linked into the native module.

Whoever passes a wheel on passes that code on, and its licenses ask for their text to come along. Knows the
crates from cargo's own graph, for every platform that has a wheel, and takes each text from the crate's
source as it was published. `--check` compares and changes nothing; `make lint` runs it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from scripts.wheels.platforms import PLATFORMS

ROOT = Path(__file__).resolve().parents[1]
OUTPUT = ROOT / "THIRD-PARTY-LICENSES.txt"
_MODULE = "codex-native"

# Of licenses that a crate offers a choice of, the one that its text is taken of, in this order.
_PREFERRED = ("MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "Zlib", "Unlicense")
_FILES = {
    "MIT": ("license-mit", "license-mit.txt", "license-mit.md"),
    "Apache-2.0": ("license-apache", "license-apache-2.0"),
}
_ONLY_FILE = ("license", "license.txt", "license.md", "copying")

_HEAD = """\
Licenses of the code that is linked into codex_app_server._native
=================================================================

This file is made by `python -m scripts.licenses` from the crates that Cargo.lock names. Where a crate may be
used under one of several licenses, it is used under the one that is printed here.

The Rust standard library and what is part of it are linked in, too. They may be used under the MIT license or
the Apache License 2.0, at your option; Rust's own distribution has the copyright notices of each part
(share/doc/rust/COPYRIGHT-library.html).
"""


@dataclass(frozen=True)
class Crate:
    """A crate that is linked into the native module."""

    name: str
    version: str
    expression: str
    folder: Path

    def text(self) -> tuple[str, str]:
        """The license that the crate is used under, and its text.

        Raises:
            LookupError: The crate has none of the licenses that this project may pass on, or not its text.
        """
        offered = self.expression.replace("/", " OR ").replace("(", "").replace(")", "").split(" OR ")
        chosen = next((each for each in _PREFERRED if each in (name.strip() for name in offered)), None)
        if chosen is None or " AND " in self.expression:
            raise LookupError(f"{self.name} {self.version} is licensed as {self.expression!r}: look at it")
        files = {path.name.lower(): path for path in self.folder.iterdir()}
        for name in (*_FILES.get(chosen, ()), *_ONLY_FILE):
            if name in files:
                return chosen, files[name].read_text("utf-8").strip()
        raise LookupError(f"{self.name} {self.version} comes without the text of its license ({chosen})")


def linked_crates(target: str) -> tuple[Crate, ...]:
    """The crates of others that are linked into the module for `target`, by name.

    Build scripts and procedural macros run at build time and leave none of their code behind.
    """
    command = ["cargo", "metadata", "--format-version=1", "--locked", f"--filter-platform={target}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    metadata = json.loads(done.stdout)
    packages = {each["id"]: each for each in metadata["packages"]}
    needs = {
        node["id"]: [
            each["pkg"] for each in node["deps"] if any(kind["kind"] is None for kind in each["dep_kinds"])
        ]
        for node in metadata["resolve"]["nodes"]
    }
    seen: set[str] = set()
    open_ends = [name for name, package in packages.items() if package["name"] == _MODULE]
    while open_ends:
        name = open_ends.pop()
        macros = any("proc-macro" in each["kind"] for each in packages[name]["targets"])
        if name not in seen and not macros:
            seen.add(name)
            open_ends += needs[name]
    others = [packages[name] for name in seen if packages[name]["source"] is not None]
    crates = [
        Crate(each["name"], each["version"], each["license"] or "", Path(each["manifest_path"]).parent)
        for each in others
    ]
    return tuple(sorted(crates, key=lambda crate: (crate.name, crate.version)))


def render() -> str:
    """The whole file; crates with the same text share it.

    Raises:
        LookupError: A crate's license is not one that may be passed on with this package, or its text is
        missing.
    """
    crates = {crate for platform in PLATFORMS for crate in linked_crates(platform.target)}
    users: dict[tuple[str, str], list[Crate]] = {}
    for crate in sorted(crates, key=lambda crate: (crate.name, crate.version)):
        users.setdefault(crate.text(), []).append(crate)
    parts = [_HEAD]
    for (name, text), sharing in users.items():
        names = "".join(f"{crate.name} {crate.version}\n" for crate in sharing)
        parts.append(f"{'-' * 80}\n{names}used under: {name}\n\n{text}\n")
    return "\n".join(parts)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--check", action="store_true", help="compare, and change nothing")
    check = parser.parse_args().check
    text = render()
    if not check:
        OUTPUT.write_text(text, "utf-8")
    elif not OUTPUT.is_file() or OUTPUT.read_text("utf-8") != text:
        print(f"{OUTPUT.name} is not what `python -m scripts.licenses` writes", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
