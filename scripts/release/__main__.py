"""The command line of a release: `python -m scripts.release COMMAND`.

Owns the names of the commands and their options. Nothing here publishes anything, needs a credential or a
tag.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from . import changelog, distributions, dry_run, generated, runtime, sdk
from .errors import ReleaseError
from .project import ROOT, Project


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, or 1 when something stands in the way of a release."""
    given = parser().parse_args(arguments)
    try:
        given.run(given)
    except ReleaseError as error:
        print(f"scripts.release {given.command}: {error}", file=sys.stderr)
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    """The commands, each with what it is for."""
    top = argparse.ArgumentParser(
        prog="python -m scripts.release",
        description="Stages and checks releases of the SDK. Publishes nothing.",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    types = commands.add_parser("generate-types", help="make what is generated from the installed runtime")
    types.add_argument("--check", action="store_true", help="write nothing; fail where a file differs")
    types.set_defaults(run=lambda given: generated.generate(ROOT, check=given.check))

    staged = commands.add_parser("stage-sdk", help="make the source tree that the SDK's sdist is built from")
    staged.add_argument("folder", type=Path, metavar="DIR", help="a new folder, outside the checkout")
    staged.add_argument("--runtime-version", metavar="X", help="the runtime to pin (the checkout's pin)")
    staged.add_argument("--sdk-version", metavar="Y", help="X, or X.postN for a fix (the checkout's version)")
    staged.set_defaults(run=_stage_sdk)

    source = commands.add_parser("sdist", help="stage the SDK and build its sdist")
    source.add_argument("--out", type=Path, default=Path("dist"), metavar="DIR", help="where it goes (dist)")
    source.set_defaults(run=_sdist)

    binary = commands.add_parser(
        "stage-runtime", help="make the project that one platform's runtime wheel is built from"
    )
    binary.add_argument("folder", type=Path, metavar="DIR", help="a new folder, outside the checkout")
    binary.add_argument("--binary", type=Path, required=True, metavar="PATH", help="the program codex")
    binary.add_argument("--platform", required=True, metavar="TAG", help="manylinux_2_17_x86_64, for example")
    binary.add_argument(
        "--version", required=True, metavar="X", help="0.163.0, or 0.163.0+mine for one of your own"
    )
    binary.add_argument(
        "--bundled-path-dir", type=Path, metavar="DIR", help="tools for the runtime's PATH (ripgrep)"
    )
    binary.set_defaults(run=_stage_runtime)

    notes = commands.add_parser("changelog", help="print a version's entry, for the notes of its release")
    notes.add_argument("version", nargs="?", metavar="VERSION", help="the version (the checkout's)")
    notes.add_argument("--tag", help="the tag of the release, vVERSION: then the entry must have a date")
    notes.set_defaults(run=_changelog)

    check = commands.add_parser("check", help="check wheels and sdists: metadata, links, tags, completeness")
    check.add_argument("files", type=Path, nargs="+", metavar="DIST", help="what would be published")
    check.add_argument(
        "--platforms", nargs="+", default=(), metavar="TAG", help="all that there must be a wheel for"
    )
    check.set_defaults(run=_check)

    rehearsal = commands.add_parser(
        "dry-run", help="do everything but publish, on this machine, and run a turn"
    )
    rehearsal.add_argument(
        "--keep", type=Path, metavar="DIR", help="keep the staged trees and files in this new folder"
    )
    rehearsal.set_defaults(run=lambda given: dry_run.run(keep=given.keep))
    return top


def _stage_sdk(given: argparse.Namespace) -> None:
    tree = sdk.stage(given.folder, runtime_version=given.runtime_version, sdk_version=given.sdk_version)
    project = Project.read(tree)
    print(f"{tree}: {project.name} {project.version}, on the runtime {project.runtime}")


def _sdist(given: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="codex-sdist-") as folder:
        print(sdk.build_sdist(sdk.stage(Path(folder)), given.out))


def _stage_runtime(given: argparse.Namespace) -> None:
    tree = runtime.stage(
        given.folder,
        binary=given.binary,
        tag=given.platform,
        version=given.version,
        path_dir=given.bundled_path_dir,
    )
    print(
        f"{tree}: the runtime {given.version} for {given.platform}; "
        f"`pip wheel --no-deps {tree}` builds its wheel"
    )


def _changelog(given: argparse.Namespace) -> None:
    project = Project.read()
    version = given.version or project.version
    if given.tag is not None and given.tag != f"v{project.version}":
        raise ReleaseError(
            f"The tag is {given.tag!r}, and the version in pyproject.toml {project.version!r}.",
            f"tag the commit with v{project.version}, or the one whose pyproject.toml has the tag's version",
        )
    print(changelog.notes(project, version, released=given.tag is not None))


def _check(given: argparse.Namespace) -> None:
    found = distributions.check(given.files, Project.read(), given.platforms)
    if found:
        raise ReleaseError(
            "\n".join(["These files are not fit to be published:", *found]), "build them again"
        )
    print(f"{len(given.files)} files are fit to be published")


if __name__ == "__main__":
    sys.exit(main())
