"""Where figures come from: the machine, the versions, and the commit."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from . import build
from .plan import ROOT

_PACKAGES = ("codex-app-server-sdk", "openai-codex", "openai-codex-cli-bin", "pydantic", "msgspec")


def describe() -> dict[str, Any]:
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "commit": _git("rev-parse", "--short=12", "HEAD"),
        "changed": bool(_git("status", "--porcelain", "--", "rust", "python", "benches")),
        "release": build.RELEASE,
        "cpu": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": {
            name: version(name)
            for name in (
                "codex-app-server-sdk",
                "openai-codex",
                "openai-codex-cli-bin",
                "pydantic",
                "msgspec",
            )
        },
    }


def _git(*arguments: str) -> str:
    """Empty where there is no git, or no repository."""
    try:
        done = subprocess.run(("git", *arguments), cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
