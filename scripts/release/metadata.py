"""The metadata of a built distribution, beside what `pyproject.toml` says.

Owns which fields are compared and how they are read out of a wheel or an sdist. `distributions` says which
files belong together.
"""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from pathlib import Path

from packaging.errors import ExceptionGroup
from packaging.metadata import Metadata
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from . import links
from .project import Project


def read(distribution: Path) -> Metadata:
    """The metadata of a wheel or an sdist.

    Raises:
        ValueError: The file holds none, or fields that are not valid.
    """
    try:
        if distribution.suffix == ".whl":
            with zipfile.ZipFile(distribution) as wheel:
                (name,) = [each for each in wheel.namelist() if each.endswith(".dist-info/METADATA")]
                data = wheel.read(name)
        else:
            with tarfile.open(distribution) as sdist:
                (name,) = [
                    each for each in sdist.getnames() if each.count("/") == 1 and each.endswith("/PKG-INFO")
                ]
                file = sdist.extractfile(name)
                data = file.read() if file else b""
        return Metadata.from_email(data, validate=True)
    except ExceptionGroup as error:
        raise ValueError("; ".join(str(each) for each in error.exceptions)) from error
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, tarfile.TarError, ValueError) as error:
        raise ValueError(f"it cannot be read: {error}") from error


def names(distribution: Path) -> set[str]:
    """The paths inside a distribution; those of an sdist without its top folder."""
    if distribution.suffix == ".whl":
        with zipfile.ZipFile(distribution) as wheel:
            return set(wheel.namelist())
    with tarfile.open(distribution) as sdist:
        return {each.partition("/")[2] for each in sdist.getnames()}


def problems(found: Metadata, project: Project, version: str) -> list[str]:
    """Where the metadata of the SDK differs from what it should be, a line each."""
    table = project.table
    extras: dict[str, list[str]] = table["optional-dependencies"]
    wanted = {
        "Name": project.name,
        "Version": version,
        "Summary": table["description"],
        "Requires-Python": SpecifierSet(table["requires-python"]),
        "Requires-Dist": _requirements(table["dependencies"], extras),
        "Provides-Extra": set(extras),
        "License-Expression": table["license"],
        "License-File": set(project.license_files),
        "Classifier": set(table["classifiers"]),
        "Project-URL": table["urls"],
        "Keywords": set(table["keywords"]),
        "Description-Content-Type": "text/markdown",
    }
    have = {
        "Name": found.name,
        "Version": str(found.version),
        "Summary": found.summary,
        "Requires-Python": found.requires_python,
        "Requires-Dist": {str(each) for each in found.requires_dist or []},
        "Provides-Extra": set(found.provides_extra or []),
        "License-Expression": found.license_expression,
        "License-File": set(found.license_files or []),
        "Classifier": set(found.classifiers or []),
        "Project-URL": found.project_urls,
        "Keywords": set(found.keywords or []),
        "Description-Content-Type": (found.description_content_type or "").split(";")[0],
    }
    differing = [
        f"{name} is {_told(have[name])}, not {_told(value)} as in pyproject.toml"
        for name, value in wanted.items()
        if have[name] != value
    ]
    readme = (project.root / table["readme"]).read_text("utf-8")
    if (found.description or "").strip() != readme.strip():
        differing.append(f"its description is not {table['readme']}")
    return [*differing, *links.problems(found.description or "", project)]


def _requirements(always: list[str], extras: dict[str, list[str]]) -> set[str]:
    """Requirements as they stand in the metadata, each in its normal form."""
    found = [Requirement(line) for line in always]
    for extra, lines in extras.items():
        for requirement in map(Requirement, lines):
            condition = f"({requirement.marker}) and " if requirement.marker else ""
            found.append(
                Requirement(f"{requirement} ; {condition}extra == '{extra}'".replace(" ; ", "; ", 1))
            )
    return {str(each) for each in found}


def _told(value: object) -> str:
    return ", ".join(sorted(value)) if isinstance(value, set) else str(value)
