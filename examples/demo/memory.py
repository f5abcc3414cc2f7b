"""How much memory this process and its runtime have used at most. Asked while the runtime still runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_MIB = 1024 * 1024


def own_peak_mib() -> float | None:
    """The largest resident size of this process so far, in MiB; None where the system does not tell."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes.
    return peak / _MIB if sys.platform == "darwin" else peak / 1024


def runtime_peak_mib() -> float | None:
    """The same for the Codex runtime among this process' children; None where /proc does not tell."""
    peaks = []
    for entry in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":", 1) for line in entry.read_text().splitlines() if ":" in line)
        except OSError:
            continue  # ended meanwhile, or not ours
        if fields["PPid"].strip() == str(os.getpid()) and fields["Name"].strip().startswith("codex"):
            peaks.append(int(fields["VmHWM"].split()[0]) / 1024)
    return max(peaks, default=None)
