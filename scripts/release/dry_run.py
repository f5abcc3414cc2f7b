"""A release from end to end on this machine, without publishing: `make release-dry-run`.

Owns the order of the steps and the summary. Each step is that of a real release; only the platforms are one
instead of all. Needs no credential, no tag and no clean checkout, and leaves nothing but what it was told to
keep.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

import codex_cli_bin
from packaging.utils import parse_wheel_filename

from scripts.wheels.platforms import STABLE_ABI

from . import changelog, distributions, runtime, sdk
from .errors import ReleaseError
from .project import ROOT, RUNTIME, Project
from .staging import new_folder

# What a user's first program does, on the offline model.
PROGRAM = """
from importlib.metadata import version

import codex_app_server
from codex_app_server import Codex
from codex_app_server.testing import OfflineModel

with OfflineModel() as model, Codex(model.config()) as codex:
    print(codex.thread_start().run("it runs").final_response)
print(codex_app_server.__version__, version("openai-codex-cli-bin"), codex_app_server.__file__)
"""


@dataclass(frozen=True)
class Installed:
    """What ran: the versions of both packages, and the folder that the SDK was imported from."""

    sdk: str
    runtime: str
    folder: Path


def run(*, keep: Path | None = None, root: Path = ROOT) -> None:
    """Stage, build, check, install and run, then say what would be published.

    Args:
        keep: A new folder for everything that is made; without it, a temporary one is used and removed.
        root: The checkout.

    Raises:
        ReleaseError: A step fails; those after it are not tried.
    """
    with tempfile.TemporaryDirectory(prefix="release-dry-run-") as temporary:
        work = Path(temporary).resolve() if keep is None else new_folder(keep, root)
        work.mkdir(parents=True, exist_ok=True)
        _run(work, root)


def _run(work: Path, root: Path) -> None:
    project = Project.read(root)
    with _step("changelog and generated files, and the SDK's source tree"):
        notes = changelog.notes(project, project.version)
        tree = sdk.stage(work / "sdk", root=root)
    with _step("the sdist"):
        sdist = sdk.build_sdist(tree, work / "dist")
    with _step("a wheel of the sdist, as pip builds it where there is none for a machine"):
        wheel = _wheel(sdist, work / "dist", root)
    with _step("the runtime's platform wheel, of the program that is installed here"):
        # The local part shows which one is installed later, and no index takes it.
        about = distribution(RUNTIME).read_text("WHEEL") or ""
        (tag,) = (line for line in about.splitlines() if line.startswith("Tag:"))
        staged = runtime.stage(
            work / "runtime",
            binary=codex_cli_bin.bundled_codex_path(),
            tag=tag.rpartition("-")[2],
            version=f"{project.runtime}+dry.run",
            root=root,
        )
        runtime_wheel = _wheel(staged, work / "runtime-dist", root)
    with _step("the checks of what would be published"):
        platforms = sorted({each.platform for each in parse_wheel_filename(wheel.name)[3]})
        found = distributions.check([sdist, wheel, runtime_wheel], project, platforms, [STABLE_ABI])
        if found:
            raise ReleaseError(
                "\n".join(["These files are not fit to be published:", *found]), "see each line"
            )
    with _step("a turn on the offline model, with both wheels in an empty environment"):
        installed = _turn(work / "empty", [f"{wheel}[testing]", str(runtime_wheel)], root)
    print(_summary(project, notes, [sdist, wheel], runtime_wheel, installed))


@contextmanager
def _step(what: str) -> Iterator[None]:
    print(f"· {what} …", flush=True)
    begun = time.monotonic()
    yield
    print(f"  {time.monotonic() - begun:.0f} s", flush=True)


def _call(command: list[str], folder: Path, **variables: str) -> str:
    """Run a command in `folder` and return what it prints."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PIP_CONSTRAINT", "PYTHON"))
    }
    environment |= variables
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
        raise ReleaseError(
            f"`{' '.join(command)}` exited with {done.returncode} in {folder}.",
            "it says above what it stumbled over",
        )
    return done.stdout


def _wheel(source: Path, out: Path, root: Path) -> Path:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(out)]
    command += ["--build-constraint", str(root / "constraints.txt"), str(source)]
    _call(command, out.parent, **_compiled(root))
    (built,) = out.glob("*.whl")
    return built


def _compiled(root: Path) -> dict[str, str]:
    """Nothing on PATH but cargo and the system: none of the development tools, which users do not have.

    Compiled dependencies are kept for the next time, apart from the development build. The crates of this
    project are not: all files of an sdist have one date, by which cargo would take those of before for these.
    """
    cargo = shutil.which("cargo")
    if cargo is None:
        raise ReleaseError("There is no cargo on PATH, which builds the sdist.", "install Rust")
    path = os.pathsep.join([str(Path(cargo).parent), os.defpath])
    target = root / "target/dry-run"
    for ours in target.glob("*/.fingerprint/codex-*"):
        shutil.rmtree(ours)
    return {"CARGO_TARGET_DIR": str(target), "PATH": path}


def _turn(environment: Path, requirements: list[str], root: Path) -> Installed:
    _call([sys.executable, "-m", "venv", str(environment)], environment.parent)
    python = str(environment / "bin/python")
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements]
    _call([*install, "--constraint", str(_without_runtime(environment, root))], environment)
    answer, versions = _call([python, "-c", PROGRAM], environment).splitlines()
    if answer != "it runs":
        raise ReleaseError(f"The turn ended with {answer!r}, not with 'it runs'.", "run the program by hand")
    ours, theirs, file = versions.split(" ", 2)
    return Installed(ours, theirs, Path(file).parent)


def _without_runtime(environment: Path, root: Path) -> Path:
    """The constraints without the pin of the runtime, which the SDK's own metadata must give."""
    lines = (root / "constraints.txt").read_text("utf-8").splitlines()
    path = environment / "constraints.txt"
    path.write_text("\n".join(line for line in lines if not line.startswith(RUNTIME)), "utf-8")
    return path


def _summary(
    project: Project, notes: str, published: list[Path], runtime_wheel: Path, installed: Installed
) -> str:
    lines = ["", f"Would be published as {project.name} {project.version}, tag v{project.version}:"]
    for path in published:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        lines.append(f"  {path.name}  {path.stat().st_size / 1024:.0f} KiB  sha256 {digest}")
    lines += [
        "  (and a wheel for each other platform, by the release workflow)",
        "Built, and published by nobody from here:",
        f"  {runtime_wheel.name}  {runtime_wheel.stat().st_size / 2**20:.0f} MiB",
        f"Notes: {len(notes.splitlines())} lines",
        f"A turn ran with {project.name} {installed.sdk} on {RUNTIME} {installed.runtime}.",
    ]
    return "\n".join(lines)
