"""Messages and tickets that the tests of messages begin with."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from desk import messages, tickets
from desk.messages import Asks, Channel, Message, MessageSettings, NewMessage
from desk.messages.sending import Result, claim, settle
from desk.region import locate
from desk.tickets import SYSTEM, By, Role, Ticket
from tests.rig.samples import call_with_ticket

TZ = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)  # 12:00 in Tianjin
MOBILE = "+8613502689471"
SETTINGS = MessageSettings()
LI = By("agent:8001", Role.AGENT)
LEASE = timedelta(seconds=30)


def resolved(db: Connection, call_id: str = "c1", now: datetime = NOON) -> Ticket:
    """A ticket that its handler has solved."""
    ticket = call_with_ticket(db, call_id, now)
    tickets.steps.assign(
        db, ticket.id, now, by=SYSTEM, expected_version=None, team="天津", assignee="agent:8001"
    )
    started = tickets.steps.start(db, ticket.id, now, by=LI, expected_version=2)
    return tickets.closing.resolve(
        db, ticket.id, "更换压缩机", now, by=LI, expected_version=started.version
    )


def ask(db: Connection, ticket: Ticket, to: str = MOBILE, now: datetime = NOON) -> int | None:
    """Ask a customer whether it is solved."""
    return messages.put(
        db,
        NewMessage(
            "sms", to, "confirm", "已解决请回复1", ticket.id, None, f"confirm:{ticket.id}:{to}",
            asks=Asks.CONFIRM.value, only_while="resolved",
        ),
        now,
    )  # fmt: skip


def write(
    db: Connection, key: str, to: str = MOBILE, now: datetime = NOON, channel: str = "sms"
) -> int | None:
    """Any message."""
    return messages.put(db, NewMessage(channel, to, "opened", "已受理", None, None, key), now)


def take(
    db: Connection,
    now: datetime = NOON,
    *,
    channel: Channel = Channel.SMS,
    who: str = "p1",
    settings: MessageSettings = SETTINGS,
    limit: int = 20,
) -> list[Message]:
    """What a process would send now."""
    return claim(db, channel, who, now, now + LEASE, limit, settings, TZ)


def send(
    db: Connection,
    result: Result,
    now: datetime = NOON,
    *,
    channel: Channel = Channel.SMS,
    settings: MessageSettings = SETTINGS,
) -> list[int]:
    """Send all that is due, each with this result; their ids."""
    taken = take(db, now, channel=channel, settings=settings)
    for message in taken:
        settle(db, message, "p1", "test", result, now, SETTINGS)
    return [message.id for message in taken]


def caller(number: str) -> str:
    """A number as the trunk would give it, in E.164."""
    return locate(number, "022").e164
