"""Whoever has a token may do what its scopes say, until it expires or is revoked."""

from datetime import timedelta

import pytest

from desk import timeline, tokens
from desk.db.engine import Database
from desk.errors import NoSuchToken
from tests.rig.samples import NOW

DAY = timedelta(days=1)


async def test_a_token_is_known_by_its_secret_which_is_stored_nowhere(db: Database) -> None:
    token, secret = await db.write(tokens.create, "wallboard", ["calls:read"], NOW)
    assert secret.startswith("hs_")
    assert len(secret) > 40
    assert await db.read(tokens.check, secret, NOW) == token
    assert await db.read(tokens.check, secret + "x", NOW) is None
    assert await db.read(tokens.check, "", NOW) is None
    assert await db.read(tokens.check, "hs_\udcff", NOW) is None
    stored = await db.read(
        lambda c: (
            str(c.exec_driver_sql("SELECT * FROM tokens").all())
            + str(c.exec_driver_sql("SELECT body FROM timeline").all())
        )
    )
    assert secret not in stored


async def test_a_token_ends_when_it_expires_and_when_it_is_revoked(db: Database) -> None:
    token, secret = await db.write(
        lambda c: tokens.create(c, "a", ["admin"], NOW, expires_at=NOW + DAY)
    )
    assert await db.read(tokens.check, secret, NOW + DAY) is None
    assert await db.read(tokens.check, secret, NOW) is not None
    await db.write(tokens.revoke, token.id, NOW)
    await db.write(tokens.revoke, token.id, NOW)
    assert await db.read(tokens.check, secret, NOW) is None
    kinds = [entry.kind for entry in await db.read(timeline.entries_after, 0, 10)]
    assert kinds == ["token.created", "token.revoked"]
    with pytest.raises(NoSuchToken):
        await db.write(tokens.revoke, 99, NOW)


async def test_scopes_are_exact_and_admin_is_all(db: Database) -> None:
    reader, _ = await db.write(tokens.create, "r", ["calls:read", "calls:read"], NOW)
    admin, _ = await db.write(tokens.create, "a", ["admin"], NOW)
    assert reader.scopes == ("calls:read",)
    assert [reader.allows(scope) for scope in tokens.SCOPES] == [
        scope == "calls:read" for scope in tokens.SCOPES
    ]
    assert all(admin.allows(scope) for scope in tokens.SCOPES)


@pytest.mark.parametrize(
    ("name", "scopes", "days"),
    [("a", [], 1), ("a", ["calls:write"], 1), ("", ["admin"], 1), ("x" * 101, ["admin"], 1),
     ("a\n", ["admin"], 1), ("a", ["admin"], -1)],
)  # fmt: skip
async def test_a_token_that_makes_no_sense_is_refused(
    db: Database, name: str, scopes: list[str], days: int
) -> None:
    with pytest.raises(ValueError, match=r"scope|name|expired"):
        await db.write(lambda c: tokens.create(c, name, scopes, NOW, expires_at=NOW + DAY * days))
    assert await db.read(tokens.listing) == []


async def test_use_is_noted_once_an_hour(db: Database) -> None:
    token, secret = await db.write(tokens.create, "a", ["admin"], NOW)
    assert tokens.use_is_worth_noting(token, NOW)
    await db.write(tokens.used, token, NOW)
    token = await db.read(tokens.check, secret, NOW)  # type: ignore[assignment]
    assert token.last_used_at == NOW
    assert not tokens.use_is_worth_noting(token, NOW + timedelta(minutes=59))
    assert tokens.use_is_worth_noting(token, NOW + timedelta(minutes=60))
