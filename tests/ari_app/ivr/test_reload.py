"""A menu is edited while callers are in it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ari_app.ivr.compiled import compile_menus
from ari_app.ivr.reload import MenuReload, Menus
from ari_app.ivr.walk import Ask, Key, Walk
from ari_app.prompts.cache import PromptCache
from ari_app.settings import load

CONFIG = Path(__file__).parents[3] / "config.yaml"
TEXT = CONFIG.read_text(encoding="utf-8")


class Line:
    """What a running line does with new menus."""

    def __init__(self, menus: Menus) -> None:
        self.menus = menus
        self.changed = asyncio.Event()

    def apply(self, menus: Menus) -> None:
        self.menus = menus
        self.changed.set()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.fixture
def line(config: Path, speech_cache: Path) -> Line:
    settings = load(config)
    prompts = PromptCache.prepare(settings.ivr, speech_cache)
    return Line(Menus(settings, compile_menus(settings), prompts))


@pytest.fixture
async def reload(
    config: Path, line: Line, speech_cache: Path, tmp_path: Path
) -> AsyncIterator[MenuReload]:
    watcher = MenuReload(
        config, line.menus, speech_cache, line.apply, sounds_dir=tmp_path / "sounds"
    )
    await watcher.start()
    yield watcher
    await watcher.aclose()
    assert not [t for t in asyncio.all_tasks() if t.get_name() == "menu-reload"]


def edit(config: Path, old: str, new: str) -> None:
    """As editors do: write beside, rename over."""
    part = config.with_suffix(".part")
    part.write_text(config.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    part.replace(config)


async def test_an_edited_prompt_is_heard_by_the_next_caller(
    config: Path, line: Line, reload: MenuReload, tmp_path: Path
) -> None:
    before = line.menus.prompts.media("main")
    edit(config, "main: 投诉请按一", "main: 投诉和建议请按一")
    await asyncio.wait_for(line.changed.wait(), 20)
    after = line.menus.prompts.media("main")
    assert after != before
    installed = tmp_path / "sounds" / "huisheng" / "main.alaw"
    assert installed.read_bytes() == Path(after.removeprefix("sound:") + ".alaw").read_bytes()


async def test_a_caller_in_the_menu_goes_on_in_the_old_one(
    config: Path, line: Line, reload: MenuReload
) -> None:
    walk = Walk(line.menus.tree, "main")
    walk.ask()
    without_repair = TEXT.replace('        "2": {label: 报修, menu: repair}\n', "")
    repair = without_repair[without_repair.index("    repair:\n") :]
    text = without_repair.replace(repair[: repair.index("    closed:\n")], "")
    text = text.replace("    repair: 手机和电脑请按一,家用电器请按二,返回上一级请按星号。\n", "")
    config.write_text(text, encoding="utf-8")
    await asyncio.wait_for(line.changed.wait(), 20)
    assert "repair" not in line.menus.tree.menus
    outcome = walk.step(Key("2"))
    assert isinstance(outcome, Ask)
    assert outcome.menu == "repair"
    assert line.menus.prompts.media(outcome.prompts[0]), "the old prompt can still be played"


async def test_a_mistake_keeps_the_old_menus_and_names_the_line(
    config: Path, line: Line, reload: MenuReload
) -> None:
    old = line.menus
    edit(config, "then: main", "then: mian")
    with capture_logs() as logs:
        assert not await reload.reload()
    assert line.menus is old
    (said,) = [entry["why"] for entry in logs if entry["event"] == "menus.refused"]
    number = TEXT[: TEXT.index("then: main")].count("\n") + 1
    assert said.startswith(f"{config}:{number}: ivr.menus.main.keys.3.then: ")


async def test_a_mistake_mended_is_taken(config: Path, line: Line, reload: MenuReload) -> None:
    edit(config, "then: main", "then: mian")
    assert not await reload.reload()
    edit(config, "then: mian", "then: tianjin")
    await asyncio.wait_for(line.changed.wait(), 20)
    assert line.menus.tree.menus["main"].keys["3"].then == "tianjin"


async def test_a_section_that_needs_a_restart_is_named(
    config: Path, line: Line, reload: MenuReload
) -> None:
    edit(config, "ring_seconds: 20", "ring_seconds: 30")
    with capture_logs() as logs:
        assert await reload.reload()
    assert [e["section"] for e in logs if e["event"] == "menus.restart_needed"] == ["pbx"]


async def test_a_line_that_cannot_watch_looks_now_and_then(
    config: Path,
    line: Line,
    speech_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_watches(*_folders: Path, **_options: object) -> None:
        raise OSError("OS file watch limit reached.")

    monkeypatch.setattr("ari_app.ivr.reload.awatch", no_watches)
    monkeypatch.setattr("ari_app.ivr.reload.LOOK_SECONDS", 0.01)
    watcher = MenuReload(config, line.menus, speech_cache, line.apply)
    with capture_logs() as logs:
        await watcher.start()
        edit(config, "main: 投诉请按一", "main: 投诉和建议请按一")
        await asyncio.wait_for(line.changed.wait(), 20)
        await watcher.aclose()
    assert "menus.watched_slowly" in [entry["event"] for entry in logs]


async def test_closing_a_watch_that_never_began_is_harmless(
    config: Path, line: Line, speech_cache: Path
) -> None:
    await MenuReload(config, line.menus, speech_cache, line.apply).aclose()
