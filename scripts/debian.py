"""Fetches Debian's packages for another machine than this one: another processor, or a newer Debian.

Owns how apt is told to: with lists, a status and a cache of its own, so that the system's are neither asked
nor changed. apt finds what a package needs and verifies what it fetches. Nothing is installed.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


class UnavailableError(Exception):
    """It cannot be made on this machine; the message says why, and what to do."""


def missing(tools: dict[str, str]) -> list[str]:
    """The packages of `tools` (program: package) that this machine lacks, the archive's keys included."""
    lacking = [package for tool, package in tools.items() if shutil.which(tool) is None]
    return lacking if KEYRING.exists() else [*lacking, "debian-archive-keyring"]


def unpack(
    packages: tuple[str, ...],
    root: Path,
    work: Path,
    *,
    architecture: str | None = None,
    suite: str | None = None,
) -> None:
    """Unpack `packages`, and all that they need down to the C library, into the folder `root`.

    Args:
        packages: Their names.
        root: Where they go.
        work: A folder for apt's files, emptied before and removed afterwards.
        architecture: Debian's name of a processor; this machine's by default.
        suite: Debian's name of a release; this machine's by default.

    Raises:
        UnavailableError: This machine is no Debian, or lacks its tools.
        subprocess.CalledProcessError: apt could not fetch or verify a package; it has said why.
    """
    apt = _apt(work, architecture, suite)
    download = ["install", "--yes", "--no-install-recommends", "--download-only", *packages]
    subprocess.run([*apt, *download], check=True, stdout=subprocess.DEVNULL)
    for package in sorted((work / "archives").glob("*.deb")):
        subprocess.run(["dpkg-deb", "--extract", package, root], check=True)
    shutil.rmtree(work)


def _apt(work: Path, architecture: str | None, suite: str | None) -> list[str]:
    """The command line of apt, with lists of its own that are up to date."""
    lacking = missing({"apt-get": "apt", "dpkg-deb": "dpkg"})
    if lacking:
        raise UnavailableError(
            f"this needs Debian's packages {', '.join(lacking)}; install them, and run it again"
        )
    mirror, own = _mirror()
    shutil.rmtree(work, ignore_errors=True)
    for name in ("lists/partial", "archives/partial"):
        (work / name).mkdir(parents=True)
    (work / "status").touch()  # of a machine on which nothing is installed
    source = {
        "Types": "deb",
        "URIs": mirror,
        "Suites": suite or own,
        "Components": "main",
        "Signed-By": KEYRING,
    }
    lines = [f"{name}: {value}\n" for name, value in source.items()]
    (work / "debian.sources").write_text("".join(lines), "utf-8")
    settings = {
        "Dir::Etc::SourceList": work / "debian.sources",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": work / "lists",
        "Dir::State::Status": work / "status",
        "Dir::Cache::Archives": work / "archives",
        "Dir::Cache::pkgcache": "",
        "Dir::Cache::srcpkgcache": "",
        "Acquire::Languages": "none",
        # The folder may be one that apt's own user cannot enter.
        "APT::Sandbox::User": "root",
    }
    if architecture is not None:
        settings |= {"APT::Architecture": architecture, "APT::Architectures": architecture}
    apt = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in settings.items())]
    subprocess.run([*apt, "update"], check=True)
    return apt


def _mirror() -> tuple[str, str]:
    """Where this machine gets its own Debian packages, and of which release."""
    wanted = ["Identifier: Packages", "Origin: Debian", "Label: Debian"]
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)", *wanted]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    if not done.stdout.split():
        raise UnavailableError(
            "apt knows no mirror of Debian; run `apt-get update` on a Debian, and run it again"
        )
    mirror, codename = done.stdout.split()[:2]
    return mirror, codename.partition("-")[0]
