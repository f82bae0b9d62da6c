"""A customer gets a message once, however often its cause is seen; and never a wrong one."""

import pytest
from sqlalchemy import Connection

from desk import messages, timeline
from desk.db.engine import Database
from desk.messages import NewMessage, State
from desk.messages.put import is_mobile
from desk.messages.segments import segments
from tests.rig.samples import NOW, call_with_ticket, count

MOBILE = "+8613502689471"


def new(ticket_id: int | None = None, **changes: object) -> NewMessage:
    values = {
        "channel": "sms",
        "to": MOBILE,
        "template": "resolved",
        "text": "【示例公司】您的工单 100014 已处理完毕。",
        "ticket_id": ticket_id,
        "customer_id": None,
        "key": "resolved:1:1",
        **changes,
    }
    return NewMessage(**values)  # type: ignore[arg-type]


async def test_the_same_cause_seen_twice_writes_one_message(db: Database) -> None:
    def work(connection: Connection) -> tuple[int | None, int | None]:
        ticket = call_with_ticket(connection)
        return messages.put(connection, new(ticket.id), NOW), messages.put(
            connection, new(ticket.id, text="anders"), NOW
        )

    first, second = await db.write(work)
    assert first is not None
    assert second is None
    assert await db.read(count, "messages") == 1
    entries = await db.read(timeline.entries_after, 0, 99, ticket_id=1)
    assert [e.kind for e in entries].count("message.queued") == 1


async def test_a_land_line_gets_no_sms_and_the_agent_sees_why(db: Database) -> None:
    def work(connection: Connection) -> int | None:
        ticket = call_with_ticket(connection)
        return messages.put(connection, new(ticket.id, to="+862253456789"), NOW)

    number = await db.write(work)
    assert number is not None
    message = await db.read(messages.get, number)
    assert message is not None
    assert message.state is State.DROPPED
    assert "mobile" in message.reason
    entries = await db.read(timeline.entries_after, 0, 99, ticket_id=1)
    assert entries[-1].kind == "message.dropped"


async def test_a_link_for_the_customers_eyes_alone_never_enters_the_timeline(db: Database) -> None:
    link = "https://h.cn/l/abcdef"

    def work(connection: Connection) -> None:
        ticket = call_with_ticket(connection)
        messages.put(connection, new(ticket.id, text=f"请评价 {link}", secret=link), NOW)

    await db.write(work)
    entries = await db.read(timeline.entries_after, 0, 99, ticket_id=1)
    assert link not in str([entry.body for entry in entries])
    assert entries[-1].body is not None
    assert entries[-1].body["text"] == "请评价 …"


@pytest.mark.parametrize(
    "wrong", [{"text": " "}, {"text": "x" * 2001}, {"key": ""}, {"secret": "y"}, {"channel": "fax"}]
)
async def test_a_message_that_cannot_be_sent_is_refused_where_it_is_made(
    db: Database, wrong: dict[str, str]
) -> None:
    with pytest.raises(ValueError, match=r"."):
        await db.write(messages.put, new(**wrong), NOW)
    assert await db.read(count, "messages") == 0


@pytest.mark.parametrize(
    ("number", "mobile"),
    [
        ("+8613502689471", True),
        ("+8619902689471", True),
        ("+862253456789", False),
        ("+861012345678", False),  # Beijing, not a mobile
        ("+8612502689471", False),
        ("+86700123456789012", False),
        ("+85291234567", True),
        ("+447911123456", True),
        ("+85223456789", False),
        ("", False),
        ("x", False),
    ],
)
def test_an_sms_goes_only_to_numbers_that_can_receive_it(number: str, mobile: bool) -> None:
    assert is_mobile(number) is mobile


@pytest.mark.parametrize(
    ("text", "paid"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("您" * 70, 1),
        ("您" * 71, 2),
        ("您" * 134, 2),
        ("您" * 135, 3),
        ("a" * 69 + "您", 1),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
    ],
)
def test_the_bill_of_an_sms_is_known_before_it_is_sent(text: str, paid: int) -> None:
    assert segments(text) == paid
