"""The repository's own config.yaml, and menus written for one test."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ari_app.ivr.settings import IvrSettings
from ari_app.ivr.tree import MenuTree
from ari_app.settings import Settings, load
from asterisk_conf.settings import PbxSettings

CONFIG = Path(__file__).parents[3] / "config.yaml"
SHANGHAI = ZoneInfo("Asia/Shanghai")
HOLIDAY = date(2026, 10, 1)


def is_workday(day: date) -> bool:
    return day.weekday() < 5 and day != HOLIDAY


@pytest.fixture(scope="session")
def settings() -> Settings:
    return load(CONFIG)


@pytest.fixture(scope="session")
def tree(settings: Settings) -> MenuTree:
    return MenuTree.compile(settings.ivr, settings.pbx, zone=SHANGHAI, is_workday=is_workday)


@pytest.fixture(scope="session")
def menus() -> Callable[..., MenuTree]:
    """A tree from the `menus:` mapping of one test; `digits` are agents' extensions."""

    def compiled(written: dict[str, Any], *, digits: tuple[str, ...] = ()) -> MenuTree:
        ivr = IvrSettings.model_validate(
            {
                "prompts": {"p": "字"},
                "entry": [{"menu": next(iter(written))}],
                "menus": {n: {"prompt": n, **menu} for n, menu in written.items()},
            }
        )
        agents = [{"extension": e, "name": "人", "team": "t"} for e in digits]
        pbx = PbxSettings.model_validate({"agents": agents})
        return MenuTree.compile(ivr, pbx, zone=SHANGHAI, is_workday=is_workday)

    return compiled
