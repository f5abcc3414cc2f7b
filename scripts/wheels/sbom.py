"""The list of ingredients (SBOM) that maturin puts into each wheel, made fit to be published.

maturin names the project's own crates by their paths on the machine that built them, and gives each list a
random number and the time of day. Here it gets names, a number and a time that depend on nothing but what was
built, so that the same source gives the same wheel.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

# The time in every wheel, in seconds since 1970: the first that a zip archive can tell (1980), as maturin's
# own.
_EPOCH = 315532800


def without_local_paths(wheel: Path, root: Path, out: Path) -> Path:
    """Write `wheel` into `out` again, its SBOM without the path `root`, its RECORD renewed.

    Returns:
        The path of the new wheel, which has the same name.
    """
    with tempfile.TemporaryDirectory(prefix="codex-sbom-") as folder:
        _wheel("unpack", str(wheel), "--dest", folder)
        (unpacked,) = Path(folder).iterdir()
        for path in unpacked.glob("*.dist-info/sboms/*.json"):
            path.write_text(_portable(path.read_text("utf-8"), root), "utf-8")
        _wheel("pack", str(unpacked), "--dest-dir", str(out))
    return out / wheel.name


def _portable(text: str, root: Path) -> str:
    sbom = json.loads(text.replace(root.as_uri(), "file:///codex-app-server-sdk"))
    del sbom["serialNumber"], sbom["metadata"]["timestamp"]
    sbom["serialNumber"] = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(sbom)).urn
    return json.dumps(sbom, indent=2) + "\n"


def _wheel(*arguments: str) -> None:
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(_EPOCH)}
    command = [sys.executable, "-m", "wheel", *arguments]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
