"""A desk that is away when the line starts holds up what happens by itself, and no caller."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from ari_app import chores
from ari_app.calls.line import Line
from desk.errors import DatabaseUnavailable


@pytest.mark.looptime
async def test_full_disk_at_the_start_does_not_end_the_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []

    async def write(*_: Any) -> None:
        told.append("declared")
        if len(told) < 3:
            raise DatabaseUnavailable("the disk is full")

    async def keep(*_: Any) -> None:
        told.append("kept")

    monkeypatch.setattr(chores, "keep", keep)
    monkeypatch.setattr(chores, "house_of", lambda _: None)
    monkeypatch.setattr(chores, "chores", lambda _: [])
    monkeypatch.setattr(chores, "service_settings", lambda _: None)
    line = SimpleNamespace(db=SimpleNamespace(write=write), settings=None, now=lambda: None)
    await chores.keep_chores(cast(Line, line))
    assert told == ["declared", "declared", "declared", "kept"]
