"""The folder that a release is staged in.

Owns the rule that it is new, empty and outside the checkout. What is put into it is the business of `sdk` and
`runtime`.
"""

from __future__ import annotations

from pathlib import Path

from .errors import ReleaseError


def new_folder(folder: Path, root: Path) -> Path:
    """The absolute path of a folder to stage in, which is not made yet: what is refused leaves nothing.

    Raises:
        ReleaseError: It is inside the checkout `root`, or something is in it already.
    """
    folder = folder.resolve()
    if folder.is_relative_to(root.resolve()):
        # Build tools look for .gitignore in the folders above, and leave out of a distribution what it names.
        raise ReleaseError(
            f"{folder} is inside the checkout, whose .gitignore would hide staged files from the build.",
            "name a folder outside, for example below the system's temporary folder",
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ReleaseError(f"{folder} is there already and not an empty folder.", "name a folder that is new")
    return folder
