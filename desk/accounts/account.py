"""What an account is, and finding it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from desk.access.roles import Role
from desk.db.schema.account import accounts
from desk.errors import NotFound, Refused, Unacceptable


class NoSuchAccount(NotFound):
    """No account with this name."""

    error_id = "no-such-account"

    def __init__(self, name: str) -> None:
        super().__init__(f"no account {name[:60]!r}; `huisheng account list` shows them")
        self.name = name


class AccountExists(Refused):
    """The name is taken."""

    error_id = "account-exists"

    def __init__(self, name: str) -> None:
        super().__init__(f"there is an account {name!r} already; choose another name")
        self.name = name


class BadAccount(Unacceptable):
    """What an account should be makes no sense."""

    error_id = "bad-account"


class LastAdministrator(Refused):
    """Nobody would be left who may make accounts."""

    error_id = "last-administrator"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name!r} is the last administrator; make another one before taking this one away"
        )


@dataclass(frozen=True, slots=True)
class Account:
    """An account, without its password.

    Attributes:
        failures: wrong passwords since the last log-in.
        locked_until: until then no password is right.
        version: how often what it is and may was changed; passwords and log-ins leave it.
    """

    id: int
    name: str
    full_name: str
    role: Role
    team: str
    extension: str
    unmasked: bool
    password_at: datetime
    failures: int
    locked_until: datetime | None
    disabled_at: datetime | None
    created_at: datetime
    last_login_at: datetime | None
    version: int

    def locked(self, now: datetime) -> bool:
        """Too many wrong passwords a moment ago."""
        return self.locked_until is not None and now < self.locked_until


def password_of(db: Connection, name: str) -> str | None:
    """The hash of an account's password."""
    found: str | None = db.execute(
        select(accounts.c.password_hash).where(accounts.c.name == name)
    ).scalar()
    return found


def find(db: Connection, name: str, *, held: bool = False) -> Account | None:
    """The account with this name; `held`: nobody else changes it until this unit is over."""
    query = select(accounts).where(accounts.c.name == name)
    row = db.execute(query.with_for_update() if held else query).one_or_none()
    return account_of(row) if row is not None else None


def get(db: Connection, name: str) -> Account:
    """The account with this name.

    Raises:
        NoSuchAccount: there is none.
    """
    found = find(db, name)
    if found is None:
        raise NoSuchAccount(name)
    return found


def for_change(db: Connection, name: str) -> Account:
    """The account, which nobody else changes until this unit is over.

    Raises:
        NoSuchAccount: there is none.
    """
    found = find(db, name, held=True)
    if found is None:
        raise NoSuchAccount(name)
    return found


def by_id(db: Connection, account_id: int) -> Account | None:
    """The account with this id."""
    row = db.execute(select(accounts).where(accounts.c.id == account_id)).one_or_none()
    return account_of(row) if row is not None else None


def listing(
    db: Connection,
    *,
    role: Role | None = None,
    team: str | None = None,
    after: str = "",
    limit: int = 1000,
) -> list[Account]:
    """Accounts by name, also disabled ones: of a role, of a team, after a name."""
    query = select(accounts).where(accounts.c.name > after).order_by(accounts.c.name).limit(limit)
    if role is not None:
        query = query.where(accounts.c.role == role.value)
    if team is not None:
        query = query.where(accounts.c.team == team)
    return [account_of(row) for row in db.execute(query)]


def account_of(row: Any) -> Account:
    """The account in a row of all columns."""
    return Account(
        id=row.id,
        name=row.name,
        full_name=row.full_name,
        role=Role(row.role),
        team=row.team,
        extension=row.extension,
        unmasked=row.unmasked,
        password_at=row.password_at,
        failures=row.failures,
        locked_until=row.locked_until,
        disabled_at=row.disabled_at,
        created_at=row.created_at,
        last_login_at=row.last_login_at,
        version=row.version,
    )
