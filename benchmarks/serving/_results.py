"""What was measured, round by round, and its medians."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from pathlib import Path

__all__ = ["Results"]


class Results:
    """Figures by row of the table and by arm: a server, or one of its encodings."""

    def __init__(self) -> None:
        self._found: dict[str, dict[str, dict[str, list[float]]]] = {}
        self.refused: dict[tuple[str, str], str] = {}

    def add(self, row: str, arm: str, **figures: float) -> None:
        """Keep what one round gave."""
        kept = self._found.setdefault(row, {}).setdefault(arm, {})
        for name, value in figures.items():
            kept.setdefault(name, []).append(value)

    def refuse(self, row: str, arm: str, reason: str) -> None:
        """Note why an arm has no figures in a row; what it had no longer counts."""
        self.refused[row, arm] = reason
        self._found.get(row, {}).pop(arm, None)

    def arms(self, row: str) -> list[str]:
        """Return who has figures that count in a row."""
        return [arm for arm in self._found.get(row, {}) if (row, arm) not in self.refused]

    def median(self, row: str, arm: str, name: str) -> float | None:
        """Return the median over the rounds; None where there is none."""
        if (row, arm) in self.refused:
            return None
        values = self._found.get(row, {}).get(arm, {}).get(name)
        return statistics.median(values) if values else None

    def best(
        self, row: str, name: str, arms: Iterable[str], *, most: bool = False
    ) -> tuple[str, float] | None:
        """Return the arm with the least, or the most, of a figure."""
        found = [(value, arm) for arm in arms if (value := self.median(row, arm, name)) is not None]
        if not found:
            return None
        value, arm = max(found) if most else min(found)
        return arm, value

    def write(self, file: Path) -> None:
        """Keep every figure of every round."""
        told = {
            "figures": self._found,
            "refused": {f"{row}: {arm}": why for (row, arm), why in self.refused.items()},
        }
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(told, indent=1), "utf-8")
