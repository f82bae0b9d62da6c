"""What happens by itself goes by the configuration of the line that keeps it, and a desk that is
away when the line starts holds it up, and no caller.
"""

from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ari_app import chores as kept
from ari_app.calls.line import Line
from ari_app.chores import service_settings
from ari_app.settings import load
from desk.errors import DatabaseUnavailable
from desk.service import ServiceSettings, chores

CONFIG = Path(__file__).parents[2] / "config.yaml"


def test_every_section_that_chores_need_comes_from_the_configuration() -> None:
    settings = load(CONFIG)
    needed = service_settings(settings)
    for each in fields(ServiceSettings):
        assert getattr(needed, each.name) is getattr(settings, each.name)


def test_no_two_chores_share_a_name() -> None:
    names = [chore.name for chore in chores(ServiceSettings())]
    assert len(set(names)) == len(names)
    assert all(len(name) <= 60 for name in names), "a follower's name is a key in the database"


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

    async def begin(*_: Any) -> None:
        told.append("begun")

    monkeypatch.setattr(kept, "keep", keep)
    monkeypatch.setattr(kept, "begin", begin)
    monkeypatch.setattr(kept, "house_of", lambda _: None)
    monkeypatch.setattr(kept, "chores", lambda _: [])
    monkeypatch.setattr(kept, "service_settings", lambda _: None)
    line = SimpleNamespace(db=SimpleNamespace(write=write), settings=None, now=lambda: None)
    await kept.keep_chores(cast(Line, line))
    assert told == ["declared", "declared", "declared", "begun", "kept"]
