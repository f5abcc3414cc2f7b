"""The figures of a finished session, as `report` and its parts ask for them. Reads what `conftest` wrote."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

from .stage import Figures


class Results:
    """All samples, by row and by who was measured."""

    def __init__(self, path: Path) -> None:
        kept = json.loads(path.read_text(encoding="utf-8"))
        self.about: dict[str, Any] = kept["about"]
        self._rows: dict[str, dict[str, list[Figures]]] = kept["rows"]
        self._figures: dict[str, str] = kept["figures"]

    def has(self, key: str) -> bool:
        return key in self._rows

    def hangs(self, key: str, who: str) -> bool:
        return any("hangs" in sample for sample in self._rows.get(key, {}).get(who, []))

    def value(self, key: str, who: str, figure: str | None = None) -> float | None:
        """A row's median; None when it was not measured or hangs."""
        samples = self._rows.get(key, {}).get(who, [])
        if not samples or self.hangs(key, who):
            return None
        name = figure or self._figures[key]
        return float(statistics.median(sample[name] for sample in samples))

    def ratio(self, key: str, who: str, base: str, figure: str | None = None) -> float | None:
        """One median by another of the same row."""
        value, other = self.value(key, who, figure), self.value(key, base, figure)
        return None if value is None or not other else value / other

    def spread(self, key: str, who: str, figure: str | None = None) -> float | None:
        """How far the samples lie apart, as a share of their median."""
        value = self.value(key, who, figure)
        if not value:
            return None
        name = figure or self._figures[key]
        values = [sample[name] for sample in self._rows[key][who]]
        return float((max(values) - min(values)) / value)

    def keys(self, beginning: str) -> list[str]:
        """The rows whose names begin so, in the order in which they were measured."""
        return [key for key in self._rows if key.startswith(beginning)]
