"""Making and changing accounts, and the lock after wrong passwords."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, select, update

from desk.access.roles import Role
from desk.accounts.account import (
    Account,
    AccountExists,
    BadAccount,
    LastAdministrator,
    find,
    for_change,
    get,
)
from desk.db.insert import insert_unless_there
from desk.db.schema.account import accounts, sessions
from desk.errors import VersionConflict
from desk.timeline import append

FREE_FAILURES = 5
LONGEST_LOCK = timedelta(hours=1)
_NAME = re.compile(r"[a-z][a-z0-9._-]{1,39}")
_RESERVED = frozenset({"system", "cli", "import"})  # actors of the timeline that are nobody's
_EXTENSION = re.compile(r"([0-9]{2,8})?")
_INSERT = insert_unless_there(
    accounts,
    ("name", "full_name", "role", "team", "extension", "unmasked", "password_hash", "password_at",
     "failures", "created_at"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewAccount:
    """Somebody who is to have an account.

    Attributes:
        name: to log in with, 2 to 40 of a-z, 0-9, `.`, `_` and `-`, beginning with a letter.
        full_name: as colleagues know the person, and as tickets may name the assignee.
        extension: of the telephone, if there is one: calls taken there are this person's.
        unmasked: customers' numbers and names in full, as far as the role reaches.
    """

    name: str
    full_name: str
    role: Role
    team: str = ""
    extension: str = ""
    unmasked: bool = False


def create(
    db: Connection, new: NewAccount, password_hash: str, now: datetime, *, actor: str
) -> Account:
    """A new account; `account.created`.

    Raises:
        AccountExists: the name is taken.
        BadAccount: something in it makes no sense.
    """
    _check(new.name, new.full_name, new.team, new.extension)
    row = {
        "name": new.name,
        "full_name": new.full_name.strip(),
        "role": new.role.value,
        "team": new.team.strip(),
        "extension": new.extension,
        "unmasked": new.unmasked,
        "password_hash": password_hash,
        "password_at": now,
        "failures": 0,
        "created_at": now,
    }
    if _INSERT.execute(db, row).rowcount == 0:
        raise AccountExists(new.name)
    account = get(db, new.name)
    _tell(db, "account.created", account, _facts(account), now, actor)
    return account


def change(
    db: Connection,
    name: str,
    changes: Mapping[str, Any],
    now: datetime,
    *,
    actor: str,
    expected_version: int | None = None,
) -> Account:
    """Set full_name, role, team, extension, unmasked or disabled; `account.changed`. A change of
    what somebody may do ends his sessions, and so does `disabled`.

    Raises:
        NoSuchAccount: there is none.
        VersionConflict: it is not at `expected_version`.
        BadAccount: it makes no sense.
        LastAdministrator: nobody would be left who may undo it.
    """
    account = for_change(db, name)
    if expected_version is not None and expected_version != account.version:
        raise VersionConflict(f"account {name}", account.version, expected_version)
    values = dict(changes)
    if "disabled" in values:
        gone = values.pop("disabled")
        values["disabled_at"] = (account.disabled_at or now) if gone else None
    if "role" in values:
        values["role"] = Role(values["role"]).value
    values = {key: value for key, value in values.items() if getattr(account, key) != value}
    if not values:
        return account
    _check(
        account.name,
        values.get("full_name", account.full_name),
        values.get("team", account.team),
        values.get("extension", account.extension),
    )
    taken = values.get("disabled_at") is not None or values.get("role", account.role) != (
        Role.ADMINISTRATOR
    )
    if account.role is Role.ADMINISTRATOR and account.disabled_at is None and taken:
        _another_administrator(db, account)
    query = update(accounts).where(accounts.c.id == account.id)
    db.execute(query.values(**values, version=account.version + 1))
    if set(values) - {"full_name", "extension"}:
        end_sessions(db, account.id)
    changed = get(db, name)
    _tell(db, "account.changed", account, _facts(changed), now, actor)
    return changed


def set_password(
    db: Connection,
    name: str,
    password_hash: str,
    now: datetime,
    *,
    actor: str,
    keep_session: int | None = None,
) -> None:
    """Replace the password, open the lock, and end every session but one; `account.password_set`.

    Raises:
        NoSuchAccount: there is none.
    """
    account = for_change(db, name)
    values = {
        "password_hash": password_hash,
        "password_at": now,
        "failures": 0,
        "locked_until": None,
    }
    db.execute(update(accounts).where(accounts.c.id == account.id).values(**values))
    end_sessions(db, account.id, keep_session)
    _tell(db, "account.password_set", account, {}, now, actor)


def failed(db: Connection, name: str, now: datetime) -> None:
    """Note a wrong password. From the fifth on the account is locked, for a minute, then for twice
    as long each time, an hour at most; `account.locked`.
    """
    account = find(db, name, held=True)
    if account is None or account.locked(now):
        return
    failures = account.failures + 1
    values: dict[str, Any] = {"failures": failures}
    until = locked_until(failures, now)
    if until is not None:
        values["locked_until"] = until
    db.execute(update(accounts).where(accounts.c.id == account.id).values(**values))
    if until is not None:
        body = {"failures": failures, "until": until}
        _tell(db, "account.locked", account, body, now, "system")


def locked_until(failures: int, now: datetime) -> datetime | None:
    """Until when an account is locked after so many wrong passwords in a row."""
    over = failures - FREE_FAILURES
    if over < 0:
        return None
    return now + min(timedelta(minutes=2 ** min(over, 10)), LONGEST_LOCK)


def end_sessions(db: Connection, account_id: int, but: int | None = None) -> None:
    """End every session of an account, but one."""
    query = delete(sessions).where(sessions.c.account_id == account_id)
    db.execute(query if but is None else query.where(sessions.c.id != but))


def _check(name: str, full_name: str, team: str, extension: str) -> None:
    if not _NAME.fullmatch(name) or name in _RESERVED:
        raise BadAccount(
            f"{name[:60]!r} is no account's name: 2 to 40 of a-z, 0-9, . _ -, a letter first, "
            "and not one of the house's own actors"
        )
    for text, most, what in ((full_name, 100, "full name"), (team, 60, "team")):
        if len(text) > most or not text.isprintable():
            raise BadAccount(f"the {what} has at most {most} characters that can be printed")
    if not _EXTENSION.fullmatch(extension):
        raise BadAccount(f"{extension[:60]!r} is no extension: 2 to 8 digits, or none")


def _another_administrator(db: Connection, account: Account) -> None:
    others = select(accounts.c.id).where(
        accounts.c.role == Role.ADMINISTRATOR.value,
        accounts.c.disabled_at.is_(None),
        accounts.c.id != account.id,
    )
    if db.execute(others.with_for_update().limit(1)).first() is None:
        raise LastAdministrator(account.name)


def _facts(account: Account) -> dict[str, Any]:
    return {
        "full_name": account.full_name,
        "role": account.role.value,
        "team": account.team,
        "extension": account.extension,
        "unmasked": account.unmasked,
        "disabled": account.disabled_at is not None,
    }


def _tell(
    db: Connection, kind: str, account: Account, body: Mapping[str, Any], now: datetime, actor: str
) -> None:
    append(db, kind=kind, body={"account": account.name, **body}, now=now, actor=actor)
