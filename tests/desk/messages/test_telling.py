"""已解决,告知客户: a customer hears once that the case is resolved, in one message, not two."""

from datetime import datetime, timedelta
from typing import Literal

import pytest
from sqlalchemy import Connection

from desk import customers, messages, tickets
from desk.chores import catch_up
from desk.db.engine import Database
from desk.house import House, declare
from desk.messages import MessageSettings
from desk.outbound import OutboundSettings, marks
from desk.outbound.marks import MarkName
from desk.region import Caller, locate
from desk.routing.levels import set_level
from desk.service import ServiceSettings, chores
from desk.tickets import NewTicket
from tests.desk.messages.cases import LI, NOON
from tests.rig.samples import TIANJIN, begin

MOBILE = locate("13502689471", "022")


def solved(
    db: Connection, now: datetime = NOON, *, caller: Caller = MOBILE, level: int = 0
) -> None:
    """A case, solved."""
    begin(db, "c1", caller, now)
    tickets.open_ticket(db, NewTicket("repair", "空调不制冷", call_id="c1"), now)
    tickets.steps.assign(
        db, 1, now, by=tickets.SYSTEM, expected_version=None, team="天津", assignee="agent:8001"
    )
    if level:
        set_level(db, 1, level, now, reason="x")
    again(db, now)


def again(db: Connection, now: datetime = NOON) -> None:
    """Work on it, and solve it."""
    seen = tickets.get(db, 1)
    assert seen is not None
    begun = tickets.steps.start(db, 1, now, by=LI, expected_version=seen.version)
    tickets.closing.resolve(db, 1, "更换压缩机", now, by=LI, expected_version=begun.version)


async def told(
    db: Database, settings: ServiceSettings | None = None, now: datetime = NOON
) -> list[tuple[str, str, str]]:
    """What the customer is told of a solution, when everything that is due was done."""
    await catch_up(db, chores(settings or ServiceSettings()), lambda: now)
    return [
        (m.channel.value, m.template, m.to)
        for m in await db.read(messages.of_ticket, 1)
        if m.template in ("resolved", "confirm", "confirm_link")
    ]


async def begun(db: Database, house: House | None = None) -> None:
    await db.write(declare, house or House(), NOON)
    await told(db)


async def test_the_customer_hears_once_that_the_case_is_resolved(db: Database) -> None:
    await begun(db)
    await db.write(solved, level=2)
    trunk = ServiceSettings(outbound=OutboundSettings.model_validate({"trunk": "carrier"}))
    for _ in range(2):
        assert await told(db, trunk) == [("sms", "resolved", "+8613502689471")]
    (sms,) = [m for m in await db.read(messages.of_ticket, 1) if m.template == "resolved"]
    assert sms.text.startswith("【示例公司】您的工单100014已处理完毕:更换压缩机")


async def test_after_a_reopening_the_next_solution_is_told_too(db: Database) -> None:
    await begun(db)
    await db.write(solved, level=1)
    await told(db)

    def reopen(connection: Connection) -> None:
        tickets.closing.reopen(
            connection, 1, "还坏", NOON, by=tickets.SYSTEM, expected_version=None
        )
        again(connection, NOON + timedelta(minutes=5))

    await db.write(reopen)
    assert [name for _, name, _ in await told(db, now=NOON + timedelta(minutes=5))] == [
        "resolved", "resolved",
    ]  # fmt: skip


async def test_who_is_asked_by_sms_is_not_told_in_another_one_besides(db: Database) -> None:
    await begun(db)
    await db.write(solved, level=4)
    found = await told(db)
    assert len(found) == 1
    assert found[0][1] in ("confirm", "confirm_link")
    (sms,) = [m for m in await db.read(messages.of_ticket, 1) if m.template == found[0][1]]
    assert "已处理完毕" in sms.text
    assert sms.asks == "confirm"


async def test_the_gravest_cases_are_told_and_asked_by_their_handler_alone(db: Database) -> None:
    await begun(db)
    await db.write(solved, level=1)
    assert [name for _, name, _ in await told(db)] == ["resolved"]
    assert all(m.asks == "" for m in await db.read(messages.of_ticket, 1))


async def test_who_has_no_mobile_hears_by_email(db: Database) -> None:
    await begun(db)

    def with_address(connection: Connection) -> None:
        row = "name,numbers,email\n张三,022-53456789,zhang@example.cn\n"
        customers.import_csv(connection, row, NOON)
        solved(connection, caller=TIANJIN, level=1)
        tickets.edit(connection, 1, NOON, by=tickets.SYSTEM, expected_version=None, customer_id=1)

    await db.write(with_address)
    assert await told(db) == [("email", "resolved", "zhang@example.cn")]


@pytest.mark.parametrize("off", ["setting", "switch"])
async def test_a_house_that_does_not_want_it_sends_nothing(db: Database, off: str) -> None:
    switches = {"automation.rules": False, "automation.callbacks": False}
    await begun(db, House(switches=switches) if off == "switch" else House())
    wanted = MessageSettings(tell_resolved=off != "setting")
    await db.write(solved, level=1)
    assert await told(db, ServiceSettings(messages=wanted)) == []


async def test_cases_solved_while_telling_was_off_are_not_told_of_later(db: Database) -> None:
    await begun(db)
    await db.write(solved, level=1)
    assert await told(db, ServiceSettings(messages=MessageSettings(tell_resolved=False))) == []
    assert await told(db) == []


@pytest.mark.parametrize(("mark", "hears"), [("shared", False), ("recycled", False), ("", True)])
async def test_who_has_a_number_now_does_not_read_of_another_ones_case(
    db: Database, mark: MarkName | Literal[""], hears: bool
) -> None:
    await begun(db)
    if mark:
        await db.write(marks.put, MOBILE.e164, mark, "登记", NOON, actor="agent:8001")
    await db.write(solved)
    assert [to for _, _, to in await told(db) if to == MOBILE.e164] == [MOBILE.e164] * hears
