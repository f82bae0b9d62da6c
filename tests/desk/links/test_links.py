"""A link in an SMS is worth one answer of one customer, and nothing to anybody who guesses."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import Connection, text

from desk import links
from desk.db.engine import Database
from desk.errors import NoSuchTicket
from desk.links import LinkSettings
from desk.links.links import ALPHABET, LENGTH
from tests.rig.samples import NOW, call_with_ticket

DAY = timedelta(days=1)


def made(db: Connection) -> str:
    return links.make(db, "confirm", call_with_ticket(db).id, NOW + DAY, NOW)


async def test_a_link_is_opened_as_often_as_a_mail_scanner_likes_and_used_once(
    db: Database,
) -> None:
    token = await db.write(made)
    for _ in range(3):
        link = await db.read(links.open, token, NOW)
        assert link is not None
        assert (link.purpose, link.cycle) == ("confirm", 1)
    assert await db.write(links.use, token, NOW) == link
    assert await db.write(links.use, token, NOW) is None
    assert await db.read(links.open, token, NOW) is None


async def test_of_two_answers_at_once_one_is_taken(db: Database) -> None:
    token = await db.write(made)
    both = await asyncio.gather(*(db.write(links.use, token, NOW) for _ in range(5)))
    assert sum(link is not None for link in both) == 1


async def test_an_expired_or_unknown_link_is_none_like_a_used_one(db: Database) -> None:
    token = await db.write(made)
    for wrong, at in ((token, NOW + DAY), (token[:-1], NOW), ("", NOW), ("好\ud800", NOW)):
        assert await db.read(links.open, wrong, at) is None
        assert await db.write(links.use, wrong, at) is None
    assert await db.read(links.open, token, NOW + DAY - timedelta(microseconds=1)) is not None


async def test_the_secret_is_stored_nowhere(db: Database) -> None:
    token = await db.write(made)
    rows = await db.read(lambda c: [tuple(row) for row in c.execute(text("SELECT * FROM links"))])
    assert len(rows) == 1
    assert token not in str(rows)


async def test_links_differ_and_cannot_be_guessed(db: Database) -> None:
    ticket = await db.write(call_with_ticket)
    tokens = {await db.write(links.make, "survey", ticket.id, NOW + DAY, NOW) for _ in range(20)}
    assert len(tokens) == 20
    assert all(len(token) == LENGTH and set(token) <= set(ALPHABET) for token in tokens)
    assert len(ALPHABET) ** LENGTH > 2**128


async def test_a_link_to_no_ticket_or_to_yesterday_is_not_made(db: Database) -> None:
    with pytest.raises(NoSuchTicket):
        await db.write(links.make, "survey", 99, NOW + DAY, NOW)
    with pytest.raises(ValueError, match="expired"):
        await db.write(links.make, "survey", 99, NOW, NOW)


def test_the_address_is_the_configured_one_and_none_without_it() -> None:
    settings = LinkSettings(base_url="https://hui.example.cn/400/")
    assert links.url(settings, "abc") == "https://hui.example.cn/400/l/abc"
    assert not LinkSettings().sendable
    with pytest.raises(ValueError, match="base_url"):
        links.url(LinkSettings(), "abc")


@pytest.mark.parametrize("base", ["hui.example.cn", "ftp://x", "https://x?y=1", "https://a b"])
def test_a_base_that_no_browser_opens_is_refused(base: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        LinkSettings(base_url=base)
