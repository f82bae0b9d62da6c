"""Does the doctor see that something else is in force than the files say, and that nobody would
hear of what is due?
"""

from typing import Any

import pytest
from sqlalchemy import Connection

from ari_app.beginning import begin, levels_of
from ari_app.doctor import Finding, Level
from ari_app.doctor.in_force import in_force
from ari_app.house import house_of
from desk import accounts, routing, sla
from desk.access import Role
from desk.db.engine import Database
from desk.house import declare
from tests.ari_app.doctor.conftest import NOW, Place
from tests.rig.own_line import ROOT


@pytest.fixture(autouse=True)
async def _begun(db: Database, place: Place) -> None:
    """A line that was started once."""
    rules = place.config.with_name("routing.yaml")
    rules.write_bytes((ROOT / "routing.yaml").read_bytes())
    await db.write(declare, house_of(place.settings), NOW)
    await begin(db, place.settings, place.config, lambda: NOW)


async def found(db: Database, place: Place, check: str) -> list[Finding]:
    every = await db.read(in_force, place.settings, place.config, NOW)
    return [finding for finding in every if finding.check == check]


async def only(db: Database, place: Place, check: str, level: Level) -> str:
    (finding,) = await found(db, place, check)
    assert finding.level == level
    assert bool(finding.mend) is (level == "warn")
    return finding.what


async def test_what_the_files_say_is_in_force(db: Database, place: Place) -> None:
    assert "edition 1" in await only(db, place, "levels", "ok")
    assert "edition 1" in await only(db, place, "rules", "ok")


async def test_a_file_that_was_changed_since_is_told(db: Database, place: Place) -> None:
    def longer(data: dict[str, Any]) -> None:
        data["sla"]["policies"][-1]["targets"]["resolution"]["due_minutes"] = 999

    place.change(longer)
    assert "config.yaml" in await only(db, place, "levels", "warn")
    await db.write(sla.apply, levels_of(place.settings), NOW, actor="operator")
    assert "edition 2" in await only(db, place, "levels", "ok")
    rules = place.config.with_name("routing.yaml")
    rules.write_text(rules.read_text(encoding="utf-8") + "# 改\n", encoding="utf-8")
    assert "routing.yaml" in (await found(db, place, "rules"))[0].mend
    assert "not what the file says" in await only(db, place, "rules", "warn")


async def test_what_came_by_api_is_nobodys_mistake(db: Database, place: Place) -> None:
    def other(c: Connection) -> None:
        data = levels_of(place.settings).data
        sla.apply(c, sla.Book.of(data.model_copy(update={"policies": data.policies[-1:]})), NOW,
                  actor="boss")  # fmt: skip
        text = place.config.with_name("routing.yaml").read_text(encoding="utf-8")
        routing.activate(c, text + "# 改\n", NOW, actor="boss")

    await db.write(other)
    assert "edition 2" in await only(db, place, "levels", "ok")
    assert "edition 2" in await only(db, place, "rules", "ok")


async def test_holidays_that_were_announced_since_want_to_be_put_in_force(
    db: Database, place: Place
) -> None:
    def older(c: Connection) -> None:
        data = levels_of(place.settings).data
        sla.apply(c, sla.Book.of(data.model_copy(update={"known_through": 2025})), NOW)

    await db.write(older)
    assert "fewer holidays" in await only(db, place, "levels", "warn")


async def test_nothing_in_force_is_told_with_the_mend(db: Database, place: Place) -> None:
    def nothing(c: Connection) -> None:
        for table in ("routing_editions", "sla_editions"):
            c.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608 - a name of ours

    await db.write(nothing)
    assert "nothing is ever due" in await only(db, place, "levels", "warn")
    assert "given to nobody" in await only(db, place, "rules", "warn")
    place.change(lambda data: data["rollout"]["routing"].update(rules=False))
    assert "switched off" in await only(db, place, "rules", "ok")


async def test_steps_that_nobody_hears_of_are_told_until_somebody_does(
    db: Database, place: Place
) -> None:
    agents = place.settings.pbx.agents
    teams = sorted({agent.team for agent in agents})

    def account(name: str, role: Role, team: str = "", extension: str = "") -> Any:
        new = accounts.NewAccount(name, name, role, team=team, extension=extension)
        return lambda c: accounts.create(c, new, "hash", NOW, actor="test")

    told = " ".join(each.what for each in await found(db, place, "notices"))
    for team in teams:
        assert f"role:lead@{team}" in told
        assert f"role:supervisor@{team}" in told
    assert f"agent:{agents[0].extension}" in told
    await db.write(account("boss", Role.SUPERVISOR))
    told = " ".join(each.what for each in await found(db, place, "notices"))
    assert "nobody hears" not in told
    assert f"role:lead@{teams[0]} → role:supervisor@{teams[0]}" in told
    for number, team in enumerate(teams):
        await db.write(account(f"lead{number}", Role.LEAD, team))
    for agent in agents:
        await db.write(account(f"a{agent.extension}", Role.AGENT, agent.team, agent.extension))
    await only(db, place, "notices", "ok")
