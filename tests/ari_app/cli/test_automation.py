"""`huisheng automation`: an administrator sees what rules did and would do, and can go back."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection
from typer.testing import CliRunner, Result

from ari_app.cli.main import build
from desk import tickets
from desk.automation import AutomationSettings, Tools, automation_chores
from desk.chores import catch_up
from desk.db.engine import Database
from desk.messages import MessageSettings, Templates
from desk.tickets import NewTicket
from tests.rig.samples import begin

ROOT = Path(__file__).parents[3]
RULES = """rules:
  - name: watch-words
    on: [ticket.opened]
    when: '$mentions(ticket.text, ["律师"])'
    do:
      - label: {add: [法务]}
      - reopen: {reason: x}
"""


@pytest.fixture
def config(tmp_path: Path, migrated_file: bytes) -> Path:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "huisheng.db").write_bytes(migrated_file)
    (tmp_path / "automation.yaml").write_text(RULES, encoding="utf-8")
    path = tmp_path / "config.yaml"
    path.write_text((ROOT / "config.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    return path


def huisheng(config: Path, *words: str) -> Result:
    arguments = ["automation", *words, "--config", str(config)]
    return CliRunner().invoke(build("automation"), arguments)


def ring(db: Connection) -> None:
    """A case about a lawyer, opened now."""
    now = datetime.now(UTC)
    begin(db, now=now)
    tickets.open_ticket(db, NewTicket("complaint", "要找律师", call_id="c1"), now)


def lived(config: Path) -> None:
    """A case comes in while rules are in force."""

    async def live() -> None:
        url = f"sqlite:///{config.parent / 'var' / 'huisheng.db'}"
        chores = automation_chores(Tools(Templates(MessageSettings(), "")), AutomationSettings())
        async with await Database.open(url) as db:
            await catch_up(db, chores, lambda: datetime.now(UTC))
            await db.write(ring)
            await catch_up(db, chores, lambda: datetime.now(UTC))

    asyncio.run(live())


def test_rules_are_checked_put_in_force_listed_and_taken_back(config: Path) -> None:
    file = config.parent / "automation.yaml"
    assert huisheng(config, "validate", str(file)).exit_code == 0
    assert huisheng(config, "show").exit_code == 1
    assert "edition 1" in huisheng(config, "activate", str(file), "--note", "开始").output
    file.write_text(RULES.replace("律师", "媒体"), encoding="utf-8")
    assert "edition 2" in huisheng(config, "activate", str(file), "--expected", "1").output
    late = huisheng(config, "activate", str(file), "--expected", "1")
    assert late.exit_code == 1
    assert "is at version 2, not 1" in late.output
    assert "edition 3" in huisheng(config, "rollback", "1").output
    lines = huisheng(config, "versions").output.splitlines()
    assert len(lines) == 3
    assert "恢复 / restores 1" in lines[0]
    assert "开始" in lines[2]
    assert "律师" in huisheng(config, "show").output
    assert huisheng(config, "rollback", "9").exit_code == 1


def test_what_comes_along_can_be_printed_changed_and_put_in_force(config: Path) -> None:
    printed = huisheng(config, "show", "--shipped").output
    file = config.parent / "mine.yaml"
    file.write_text(printed, encoding="utf-8")
    assert huisheng(config, "validate", str(file)).exit_code == 0


def test_a_mistake_is_told_with_file_line_and_mend(config: Path) -> None:
    file = config.parent / "automation.yaml"
    file.write_text(RULES.replace("ticket.text", "ticket.txet"), encoding="utf-8")
    for command in ("validate", "activate"):
        refused = huisheng(config, command, str(file))
        assert refused.exit_code == 1
        assert f"{file}: line 4: rule watch-words, when: no fact 'ticket.txet'" in refused.output
        assert "did you mean ticket.text?" in refused.output
    assert huisheng(config, "validate", str(config.parent / "none.yaml")).exit_code == 2


def test_the_log_says_what_rules_did_and_why_something_was_not_possible(config: Path) -> None:
    huisheng(config, "activate", str(config.parent / "automation.yaml"))
    lived(config)
    for which in ((), ("--ticket", "100014"), ("--rule", "watch-words"), ("--state", "failed")):
        told = huisheng(config, "runs", *which).output
        assert "✗" in told
        assert "100014 watch-words (ticket.opened, entry:" in told
        assert "律师]" in told
        assert "label      done     法务" in told
        assert "reopen     failed   " in told
    assert huisheng(config, "runs", "--state", "stopped").output == ""
    assert huisheng(config, "runs", "--ticket", "abc").exit_code == 2


def test_a_dry_run_says_what_would_have_happened_and_changes_nothing(config: Path) -> None:
    file = str(config.parent / "automation.yaml")
    yesterday = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%d")
    assert huisheng(config, "dry-run", "--since", yesterday).exit_code == 1, "no rules in force"
    huisheng(config, "activate", file)
    lived(config)
    before = huisheng(config, "runs").output
    for which in ((), (file,)):
        told = huisheng(config, "dry-run", "--since", yesterday, *which).output
        assert "100014 watch-words (ticket.opened): label, reopen" in told
        assert "     1 watch-words" in told
        assert "nothing was changed" in told
    assert huisheng(config, "runs").output == before
    tomorrow = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%d")
    assert "0 条记录" in huisheng(config, "dry-run", "--since", tomorrow).output
