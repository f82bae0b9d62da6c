"""`huisheng menu`: an administrator looks at the menus and tries them before a caller does."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ari_app.cli.main import build

CONFIG = Path(__file__).parents[3] / "config.yaml"
OPEN = "2026-11-18T10:00"


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith("HUISHENG_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "160")


def menu(*words: str, keys: str | None = None, exit_code: int = 0) -> str:
    arguments = ["menu", *words]
    if "--config" not in words:
        arguments += ["--config", str(CONFIG)]
    result = CliRunner().invoke(build("menu"), arguments, input=keys)
    assert result.exit_code == exit_code, result.output
    return result.output


def tried(keys: str, *words: str) -> list[str]:
    return menu("try", "--at", OPEN, *words, keys=keys).splitlines()


def test_the_picture_shows_what_callers_hear_press_and_reach() -> None:
    said = menu("show")
    for part in (
        "☎ 4001234567",
        "1. 非营业 while day is closed → closed",
        "2. 区号 area code 022 → tianjin",
        "3. 其他来电 everybody else → main",
        "“手机和电脑请按一,家用电器请按二,返回上一级请按星号。”",
        "[2] 家电报修 → 留言 message",
        "工单 ticket 报修 (repair)",
        "[*] 返回 → 返回 back",
        "[0] 人工 → 人工 a person of tianjin",
        "[…] 分机 extension 8001, 8002, 8003",
        "可打断 keys stop the prompt · 5 秒 s · 3 次 attempts",
        "[×3] 静默或错键 silence or wrong keys 无有效按键 → 留言 message",
        "→ repair  (见上 see above)",
    ):
        assert part in said, part


def test_every_menu_is_drawn_once() -> None:
    said = menu("show")
    assert said.count("[2] 家电报修") == 1


def test_markup_in_a_text_is_shown_not_interpreted(tmp_path: Path) -> None:
    text = CONFIG.read_text(encoding="utf-8").replace("label: 投诉,", 'label: "[red]投诉[/x]",')
    config = tmp_path / "config.yaml"
    config.write_text(text, encoding="utf-8")
    assert "[1] [red]投诉[/x] →" in menu("show", "--config", str(config))


def test_a_recording_is_shown_by_its_file(tmp_path: Path) -> None:
    (tmp_path / "bye.wav").write_bytes(b"RIFF")
    text = CONFIG.read_text(encoding="utf-8").replace(
        "opening: 我们的营业时间是工作日九点到十八点。", "opening: {file: bye.wav}"
    )
    config = tmp_path / "config.yaml"
    config.write_text(text, encoding="utf-8")
    assert f"♪ {tmp_path / 'bye.wav'}" in menu("show", "--config", str(config)).replace("\n", "")


def test_a_complaint_is_tried_without_a_call() -> None:
    said = tried("1\n", "--caller", "02253456789")
    assert said[0] == "02253456789 (天津 天津 022) → 4001234567, 2026-11-18 10:00"
    assert said[1] == "区号 area code 022 → tianjin"
    assert said[-3:] == [
        "  [1] 投诉 message  工单 ticket complaint",
        "  “请在提示音后说明您的问题,说完请按井号键。”",
        "→ 留言 a message is recorded",
    ]


def test_enter_alone_is_silence() -> None:
    said = tried("\n\n\n")
    assert said.count("  “没有听到您的选择。”") == 2
    assert said[-1] == "→ 留言 a message is recorded"


def test_several_keys_on_a_line_are_pressed_one_after_the_other() -> None:
    assert tried("2*0\n")[-1] == "→ 人工 connected to a person of national"
    assert tried("8002\n")[-1] == "→ 分机 connected to extension 8002"


def test_letters_are_no_keys() -> None:
    said = tried("x1\n")
    assert "x: 电话上没有此键 no telephone has this key" in said
    assert said[-1] == "→ 留言 a message is recorded"


def test_the_end_of_input_hangs_up() -> None:
    assert tried("")[-1] == "主叫挂机 the caller hangs up"


def test_a_time_out_of_hours_meets_the_closed_menu() -> None:
    said = menu("try", "--at", "2026-11-18T03:00", keys="\n")
    assert "非营业 while day is closed → closed" in said
    assert said.rstrip().endswith("→ 留言 a message is recorded")


def test_the_time_is_the_companys_unless_it_says_its_zone() -> None:
    assert "2026-11-18 10:00" in menu("try", "--at", "2026-11-18T02:00+00:00", keys="")


def test_a_time_that_is_none_is_told() -> None:
    assert "write 2026-10-01T10:00" in menu("try", "--at", "soon", keys="", exit_code=2)


def test_a_year_without_holidays_is_told() -> None:
    assert "2050 年没有放假调休数据" in menu("try", "--at", "2050-01-05T10:00", keys="")
