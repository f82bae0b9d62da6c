"""The repository's own config.yaml, and menus written for one test."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ari_app.ivr.settings import IvrSettings
from ari_app.ivr.tree import MenuTree
from ari_app.prompts.speak import TOOLS
from ari_app.settings import Settings, load
from asterisk_conf.settings import PbxSettings
from desk.calendar import Calendar

CONFIG = Path(__file__).parents[3] / "config.yaml"


@pytest.fixture(scope="session")
def settings() -> Settings:
    return load(CONFIG)


@pytest.fixture(scope="session")
def tree(settings: Settings) -> MenuTree:
    return MenuTree.compile(settings.ivr, settings.pbx, Calendar())


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
        return MenuTree.compile(ivr, pbx, Calendar())

    return compiled


@pytest.fixture(scope="session")
def speech_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prompts spoken once for all tests; skips where the speech tools are not installed."""
    for tool in TOOLS:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed; apt-get install {' '.join(TOOLS)}")
    return tmp_path_factory.mktemp("prompts")
