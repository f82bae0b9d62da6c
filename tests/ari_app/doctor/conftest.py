"""A line of its own for each test, and the doctor that looks at it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ari_app.doctor import Finding, examine
from tests.rig.own_line import OwnLine

NOW = datetime(2026, 6, 3, 2, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Place(OwnLine):
    """One line's folder."""

    async def examined(self, now: datetime = NOW) -> dict[str, list[Finding]]:
        """Findings by check."""
        found: dict[str, list[Finding]] = {}
        for finding in await examine(self.config, lambda: now):
            found.setdefault(finding.check, []).append(finding)
        return found


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A line that was never started."""
    return Place(OwnLine.in_folder(tmp_path).config)
