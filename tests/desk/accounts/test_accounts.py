"""An account is its owner's alone: guessed, stolen or left open, it opens little, and briefly."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from desk import accounts, timeline, tokens
from desk.access import Role
from desk.accounts import (
    Account,
    AccountExists,
    BadAccount,
    BadPassword,
    LastAdministrator,
    NewAccount,
    NoSuchAccount,
    Terms,
    passwords,
    sessions,
)
from desk.accounts.chores import account_chores
from desk.db.engine import Database
from tests.rig.samples import NOW

HASH = passwords.hashed("correct horse battery")
MINUTE = timedelta(minutes=1)
TERMS = Terms(timedelta(hours=12), timedelta(hours=2))


def make(db: Connection, name: str = "zhang", role: Role = Role.AGENT) -> Account:
    new = NewAccount(name, "张敏", role, "天津", "8001", True)
    return accounts.create(db, new, HASH, NOW, actor="cli")


def log_in(db: Connection, now: datetime = NOW, kept: str = HASH) -> Any:
    return sessions.open_session(db, "zhang", kept, now, TERMS)


async def test_an_account_is_made_and_found(db: Database) -> None:
    account = await db.write(make)
    assert (account.name, account.role, account.team) == ("zhang", Role.AGENT, "天津")
    assert await db.read(accounts.get, "zhang") == account
    assert await db.read(accounts.listing, role=Role.LEAD) == []
    [entry] = await db.read(timeline.entries_after, 0, 10)
    assert (entry.kind, entry.actor) == ("account.created", "cli")
    assert "argon2" not in str(entry.body)
    with pytest.raises(AccountExists, match="choose another"):
        await db.write(make)
    with pytest.raises(NoSuchAccount):
        await db.read(accounts.get, "li")


@pytest.mark.parametrize(
    ("name", "full_name", "extension"),
    [("Zhang", "张", ""), ("z", "张", ""), ("1zhang", "张", ""), ("zhang", "张\n", ""),
     ("zhang", "张", "80a1"), ("zhang", "张" * 101, ""), ("zhang敏", "张", ""),
     ("system", "张", "")],
)  # fmt: skip
async def test_an_account_that_makes_no_sense_is_refused(
    db: Database, name: str, full_name: str, extension: str
) -> None:
    new = NewAccount(name, full_name, Role.AGENT, extension=extension)
    with pytest.raises(BadAccount):
        await db.write(accounts.create, new, HASH, NOW, actor="cli")


def test_a_password_is_kept_as_argon2id_and_its_rules_are_few() -> None:
    assert HASH.startswith("$argon2id$")
    assert passwords.verified(HASH, "correct horse battery")
    assert not passwords.verified(HASH, "correct horse")
    assert not passwords.verified("no hash at all", "correct horse")
    assert not passwords.outdated(HASH)
    assert passwords.outdated("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$Zm9vYmFyYmF6cXV4")
    passwords.check("正确的马 电池 订书钉", "zhang")
    for bad in ("short", "a" * 20, "x" * 201, "my name is Zhang, so what"):
        with pytest.raises(BadPassword):
            passwords.check(bad, "zhang")


def test_the_lock_grows_and_never_lasts_longer_than_an_hour() -> None:
    spans = [accounts.locked_until(failures, NOW) for failures in (4, 5, 6, 7, 11, 12, 10**6)]
    assert spans[0] is None
    minutes = [(until - NOW) / MINUTE for until in spans if until is not None]
    assert minutes == [1, 2, 4, 60, 60, 60]


async def test_five_wrong_passwords_lock_the_account_even_for_its_owner_for_a_while(
    db: Database,
) -> None:
    await db.write(make)
    for _ in range(5):
        await db.write(accounts.failed, "zhang", NOW)
    await db.write(accounts.failed, "nobody", NOW)
    assert await db.write(log_in) is None, "the right password is refused, too"
    await db.write(accounts.failed, "zhang", NOW)
    locked = await db.read(accounts.get, "zhang")
    assert (locked.failures, locked.locked_until) == (5, NOW + MINUTE), "a lock is not extended"
    assert await db.write(log_in, NOW + MINUTE) is not None
    assert (await db.read(accounts.get, "zhang")).failures == 0
    kinds = [entry.kind for entry in await db.read(timeline.entries_after, 0, 20)]
    assert kinds == ["account.created", "account.locked", "session.opened"]


async def test_a_session_ends_by_age_by_idleness_and_by_logging_out(db: Database) -> None:
    await db.write(make)
    found = await db.write(log_in)
    session, secret = found
    hour = timedelta(hours=1)
    assert (await db.read(sessions.check, secret, NOW, TERMS)).account.name == "zhang"
    assert await db.read(sessions.check, secret + "x", NOW, TERMS) is None
    assert await db.read(sessions.check, secret, NOW + 2 * hour, TERMS) is None, "unused"
    for _ in range(7):
        last = await db.read(sessions.check, secret, session.used_at + 1.5 * hour, TERMS)
        session = last
        assert sessions.use_is_worth_noting(session, session.used_at + 1.5 * hour)
        await db.write(sessions.used, session, session.used_at + 1.5 * hour)
        session = await db.read(sessions.check, secret, session.used_at + 1.5 * hour, TERMS)
    assert await db.read(sessions.check, secret, NOW + 11.9 * hour, TERMS) is not None
    assert await db.read(sessions.check, secret, NOW + 12 * hour, TERMS) is None
    await db.write(sessions.close, session, NOW)
    await db.write(sessions.close, session, NOW)
    assert await db.read(sessions.check, secret, NOW, TERMS) is None
    stored = await db.read(lambda c: str(c.exec_driver_sql("SELECT * FROM sessions").all()))
    assert secret not in stored


@pytest.mark.parametrize(
    "changes", [{"role": Role.LEAD}, {"team": "北京"}, {"unmasked": False}, {"disabled": True}]
)
async def test_who_may_something_else_logs_in_again(
    db: Database, changes: dict[str, object]
) -> None:
    await db.write(make)
    _, secret = await db.write(log_in)
    await db.write(accounts.change, "zhang", changes, NOW, actor="cli")
    assert await db.read(sessions.check, secret, NOW, TERMS) is None
    again = await db.write(log_in)
    assert (again is None) is ("disabled" in changes)


async def test_a_new_name_ends_no_session_and_the_same_again_writes_nothing(db: Database) -> None:
    await db.write(make)
    _, secret = await db.write(log_in)
    for _ in range(2):
        await db.write(accounts.change, "zhang", {"full_name": "张小敏"}, NOW, actor="cli")
    assert await db.read(sessions.check, secret, NOW, TERMS) is not None
    kinds = [entry.kind for entry in await db.read(timeline.entries_after, 0, 20)]
    assert kinds.count("account.changed") == 1


async def test_a_new_password_ends_every_session_but_the_one_that_set_it(db: Database) -> None:
    await db.write(make)
    first, one = await db.write(log_in)
    _, other = await db.write(log_in)
    new = passwords.hashed("another long password")
    await db.write(
        lambda c: accounts.set_password(c, "zhang", new, NOW, actor="zhang", keep_session=first.id)
    )
    assert await db.read(sessions.check, one, NOW, TERMS) is not None
    assert await db.read(sessions.check, other, NOW, TERMS) is None
    assert await db.write(log_in) is None, "the old one was verified a moment too early"
    await db.write(lambda c: accounts.set_password(c, "zhang", new, NOW, actor="cli"))
    assert await db.read(sessions.check, one, NOW, TERMS) is None


async def test_somebody_can_always_make_accounts(db: Database) -> None:
    await db.write(make, "root", Role.ADMINISTRATOR)
    for changes in ({"disabled": True}, {"role": Role.LEAD}):
        with pytest.raises(LastAdministrator):
            await db.write(accounts.change, "root", changes, NOW, actor="cli")
    await db.write(make, "other", Role.ADMINISTRATOR)
    await db.write(accounts.change, "root", {"disabled": True}, NOW, actor="cli")
    with pytest.raises(LastAdministrator):
        await db.write(accounts.change, "other", {"disabled": True}, NOW, actor="cli")


async def test_sessions_of_one_are_bounded_and_old_ones_forgotten(db: Database) -> None:
    await db.write(make)
    secrets = [(await db.write(log_in))[1] for _ in range(sessions.MOST_OF_ONE + 3)]
    lasting = [await db.read(sessions.check, secret, NOW, TERMS) for secret in secrets]
    assert [found is not None for found in lasting] == [False] * 3 + [True] * sessions.MOST_OF_ONE
    [chore] = account_chores()
    assert await db.read(chore.next_at) == NOW + TERMS.longest
    assert await db.write(chore.work, NOW, 100) == 0
    assert await db.write(chore.work, NOW + TERMS.longest, 15) == 15
    assert await db.write(chore.work, NOW + TERMS.longest, 15) == 5
    assert await db.read(chore.next_at) is None


async def test_a_token_of_an_account_may_what_both_may_and_ends_with_it(db: Database) -> None:
    account = await db.write(make)
    _, secret = await db.write(
        lambda c: tokens.create(c, "zhang's phone", ["tickets:read"], NOW, account_id=account.id)
    )
    token = await db.read(tokens.check, secret, NOW)
    assert token is not None
    who = await db.read(accounts.of_token, token)
    assert who is not None
    assert (who.actor, who.role, who.team, who.unmasked) == ("zhang", Role.AGENT, "天津", False)
    assert who.allows("tickets:read")
    assert not who.allows("tickets:write")
    assert set(who.names) == {"zhang", "张敏", "agent:8001", "8001"}
    assert who.owner == f"token:{token.id}"
    await db.write(accounts.change, "zhang", {"disabled": True}, NOW, actor="cli")
    assert await db.read(accounts.of_token, token) is None


@pytest.mark.parametrize(
    ("scopes", "role"),
    [(["tickets:read"], Role.INTEGRATION), (["tickets:override"], Role.SUPERVISOR),
     (["admin"], Role.ADMINISTRATOR)],
)  # fmt: skip
async def test_a_programs_token_acts_as_its_scopes_say(
    db: Database, scopes: list[str], role: Role
) -> None:
    token, _ = await db.write(tokens.create, "crm", scopes, NOW)
    who = await db.read(accounts.of_token, token)
    assert who is not None
    assert (who.role, who.account_id, who.names) == (role, None, ("crm",))
