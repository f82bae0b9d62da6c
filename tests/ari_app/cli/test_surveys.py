"""An administrator asks where a customer's score comes from, and has scores reckoned anew."""

import asyncio
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from sqlalchemy import Connection, text
from typer.testing import CliRunner

from ari_app.cli.surveys import app
from desk import surveys
from desk.db.engine import Database
from tests.desk.surveys.policies import POLICY, customer, resolved
from tests.rig.samples import NOW

CONFIG = Path(__file__).parents[3] / "config.yaml"


def answered(db: Connection) -> None:
    customer(db)
    for call_id, points in (("c1", 2), ("c2", 5)):
        resolved(db, call_id)
        surveys.ask_by_key(db, call_id, POLICY, NOW)
        surveys.answer_by_key(db, call_id, points, POLICY.settings, NOW)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    yaml = YAML()
    settings = yaml.load(CONFIG.read_text(encoding="utf-8"))
    settings["surveys"]["score"]["most_answers"] = 1
    file = tmp_path / "config.yaml"
    with file.open("w", encoding="utf-8") as out:
        yaml.dump(settings, out)
    (tmp_path / "var").mkdir()

    async def fill() -> None:
        async with await Database.open(f"sqlite:///{tmp_path}/var/huisheng.db") as db:
            await db.write(answered)

    asyncio.run(fill())
    return file


def told(config: Path, *words: str) -> str:
    result = CliRunner().invoke(app, [*words, "-c", str(config)])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_command_says_where_a_score_comes_from(config: Path) -> None:
    lines = told(config, "score", "1").splitlines()
    assert lines[0].endswith("key  5 × 1.000 = 5.000  (weight 1.000)")
    assert lines[-1] == "5.00"
    assert "no answers" in told(config, "score", "7")


def test_scores_are_reckoned_anew_after_a_change_of_the_formula(config: Path) -> None:
    def stored() -> float:
        async def read() -> float:
            async with await Database.open(f"sqlite:///{config.parent}/var/huisheng.db") as db:
                return await db.read(
                    lambda c: float(c.execute(text("SELECT score FROM customers")).scalar_one())
                )

        return asyncio.run(read())

    assert stored() == 3.5
    assert "1" in told(config, "rescore")
    assert stored() == 5.0
