"""`huisheng sla`: an operator sees what a change does before it is made."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ari_app.cli.main import build
from desk.db.engine import Database
from tests.rig.samples import NOW, call_with_ticket

CONFIG = (Path(__file__).parents[3] / "config.yaml").read_text(encoding="utf-8")


@pytest.fixture
def config(tmp_path: Path, migrated_file: bytes) -> Path:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "huisheng.db").write_bytes(migrated_file)
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG, encoding="utf-8")

    async def open_one() -> str:
        async with await Database.open(f"sqlite:///{tmp_path / 'var' / 'huisheng.db'}") as db:
            return (await db.write(call_with_ticket, now=NOW)).number

    (tmp_path / "number").write_text(asyncio.run(open_one()))
    return path


def huisheng(config: Path, *words: str) -> Result:
    return CliRunner().invoke(build("sla"), ["sla", *words, "--config", str(config)])


def test_effect_then_apply_then_explain(config: Path) -> None:
    number = (config.parent / "number").read_text()
    shown = huisheng(config, "effect")
    assert shown.exit_code == 0, shown.output
    assert f"{number} resolution #1: - → tianjin 720 min" in shown.output
    assert shown.output.splitlines()[-1].endswith("1 of 1 open tickets change; edition 0")
    applied = huisheng(config, "apply", "--edition", "0").output
    assert f"{number} resolution #1: - → tianjin 720 min" in applied, "its effect is shown first"
    assert applied.splitlines()[-1].endswith("edition 1")
    assert "0 of 1 open tickets change; edition 1" in huisheng(config, "effect").output
    told = huisheng(config, "explain", number)
    assert "policy tianjin, edition 1" in told.output
    assert "not up to date" not in told.output

    config.write_text(CONFIG.replace("due_minutes: 720", "due_minutes: 600"), encoding="utf-8")
    assert "tianjin 720 min" in huisheng(config, "effect").output
    late = huisheng(config, "apply", "--edition", "0")
    assert late.exit_code == 1
    assert "is at version 1, not 0" in late.output


def test_a_former_edition_is_brought_back(config: Path) -> None:
    assert "edition 1" in huisheng(config, "apply").output
    config.write_text(CONFIG.replace("due_minutes: 720", "due_minutes: 600"), encoding="utf-8")
    assert "edition 2" in huisheng(config, "apply").output
    shown = huisheng(config, "effect", "--back-to", "1")
    assert "tianjin 600 min" in shown.output
    assert "→ tianjin 720 min" in shown.output
    assert "edition 3" in huisheng(config, "apply", "--back-to", "1", "--edition", "2").output
    assert "0 of 1 open tickets change" in huisheng(config, "effect", "--back-to", "1").output
    numbers = [line.split()[0] for line in huisheng(config, "editions").output.splitlines()]
    assert numbers == ["3", "2", "1"]
    told = huisheng(config, "apply", "--back-to", "9")
    assert (told.exit_code, "have no edition 9" in told.output) == (1, True)


def test_what_is_stored_is_made_again_from_the_history(config: Path) -> None:
    number = (config.parent / "number").read_text()
    assert "0 of 0 tickets differed" in huisheng(config, "rebuild").output, "nothing is in force"
    huisheng(config, "apply")
    assert "0 of 1 tickets differed" in huisheng(config, "rebuild").output
    with closing(sqlite3.connect(config.parent / "var" / "huisheng.db")) as file, file:
        file.execute("UPDATE sla_clocks SET due_at = '2030-01-01 00:00:00.000000'")
        file.execute("DELETE FROM sla_steps")
    told = huisheng(config, "rebuild").output.splitlines()
    assert (told[0], told[-1].endswith("1 of 1 tickets differed")) == (number, True)
    assert "not up to date" not in huisheng(config, "explain", number).output


def test_what_is_overdue_is_listed(config: Path) -> None:
    number = (config.parent / "number").read_text()
    assert huisheng(config, "due").output == "", "nothing is before policies are in force"
    huisheng(config, "apply")
    listed = {
        colour: huisheng(config, "due", "--colour", colour).output
        for colour in ("red", "amber", "green")
    }
    assert sum(text.count(number) for text in listed.values()) == 2, "each clock has one colour"


def test_mistakes_are_one_line(config: Path) -> None:
    assert huisheng(config, "explain", "no number").exit_code == 2
    config.write_text(
        CONFIG.replace('regions: ["022"]\n      targets', 'regions: ["999"]\n      targets')
    )
    told = huisheng(config, "effect")
    assert told.exit_code == 2
    assert "no area code or province named '999'" in told.output
    assert "Traceback" not in told.output
