"""Accounts of people, for administrators."""

from datetime import datetime
from functools import partial
from typing import Annotated, Self

from fastapi import Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from desk import accounts
from desk.access import ROLES, Role
from desk.accounts import Account, NewAccount, passwords
from desk.api.access import Reader, reader
from desk.api.paging import Page, from_cursor
from desk.api.room import MISSING, Cursor, Desk, Limit, described, room
from desk.api.ticket_writing import CHANGE_ERRORS, Expected
from desk.api.writing import Write, no_content

router = room("accounts")

Administrator = Annotated[Reader, Depends(reader("admin"))]
Named = Annotated[str, Path(max_length=40, description="the account's name")]
Password = Annotated[
    str, Field(max_length=passwords.MOST, description=f"{passwords.FEWEST} characters or more")
]
_TAKEN = described({404: "no such account", 409: "the name is taken"})


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AccountIn(_Body):
    """Somebody who is to have an account."""

    name: Annotated[str, Field(max_length=40, description="2 to 40 of a-z, 0-9, . _ -")]
    full_name: Annotated[str, Field(max_length=100)] = ""
    role: Role = Field(description=", ".join(f"{role} ({word})" for role, word in ROLES.items()))
    team: Annotated[str, Field(max_length=60)] = ""
    extension: Annotated[str, Field(pattern=r"^([0-9]{2,8})?$")] = ""
    unmasked: bool = False
    password: Password


class AccountChange(_Body):
    """What is left out stays."""

    full_name: Annotated[str, Field(max_length=100)] | None = None
    role: Role | None = None
    team: Annotated[str, Field(max_length=60)] | None = None
    extension: Annotated[str, Field(pattern=r"^([0-9]{2,8})?$")] | None = None
    unmasked: bool | None = None
    disabled: bool | None = None


class PasswordIn(_Body):
    """A new password."""

    password: Password


class AccountOut(BaseModel):
    """An account."""

    name: str
    full_name: str
    role: Role
    team: str
    extension: str
    unmasked: bool
    disabled: bool
    locked_until: datetime | None
    created_at: datetime
    password_at: datetime
    last_login_at: datetime | None
    version: int = Field(description="also the ETag")

    @classmethod
    def of(cls, account: Account) -> Self:
        """From the desk's account."""
        return cls(
            name=account.name,
            full_name=account.full_name,
            role=account.role,
            team=account.team,
            extension=account.extension,
            unmasked=account.unmasked,
            disabled=account.disabled_at is not None,
            locked_until=account.locked_until,
            created_at=account.created_at,
            password_at=account.password_at,
            last_login_at=account.last_login_at,
            version=account.version,
        )


@router.get("/accounts")
async def list_accounts(
    desk: Desk,
    who: Administrator,
    role: Role | None = None,
    team: Annotated[str | None, Query(max_length=60)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AccountOut]:
    """Accounts by name, also disabled ones. Scope `admin`."""
    after = from_cursor(cursor) or ""
    found = await desk.db.read(accounts.listing, role=role, team=team, after=after, limit=limit + 1)
    return Page[AccountOut].of(found, limit, lambda a: a.name, AccountOut.of)


@router.post("/accounts", status_code=201, responses=_TAKEN)
async def create_account(
    desk: Desk, who: Administrator, write: Write, body: AccountIn
) -> AccountOut:
    """Make an account. Scope `admin`."""
    passwords.check(body.password, body.name)
    kept = await desk.hashing.of(body.password)
    new = NewAccount(
        body.name, body.full_name or body.name, body.role, body.team, body.extension, body.unmasked
    )
    write.response.headers["Location"] = f"/api/v1/accounts/{body.name}"
    tell = partial(_shown, response=write.response)
    return await write(tell, accounts.create, new, kept, desk.now(), actor=who.actor)


@router.get("/accounts/{name}", responses=MISSING)
async def get_account(
    desk: Desk, who: Administrator, name: Named, response: Response
) -> AccountOut:
    """One account; the ETag is its version. Scope `admin`."""
    response.headers["Cache-Control"] = "private, no-store"  # a log-in leaves the version
    return _shown(await desk.db.read(accounts.get, name), response)


@router.patch("/accounts/{name}", responses=CHANGE_ERRORS)
async def change_account(
    desk: Desk,
    who: Administrator,
    write: Write,
    name: Named,
    seen: Expected,
    body: AccountChange,
) -> AccountOut:
    """Change an account; another role, team or right, and disabling it, end its sessions. Scope
    `admin`.
    """
    changes = body.model_dump(exclude_none=True)
    return await write(
        partial(_shown, response=write.response),
        accounts.change, name, changes, desk.now(), actor=who.actor, expected_version=seen,
    )  # fmt: skip


@router.put("/accounts/{name}/password", status_code=204, responses=MISSING)
async def set_password(
    desk: Desk, who: Administrator, write: Write, name: Named, body: PasswordIn
) -> None:
    """Set somebody's password; it ends every session and opens the lock. Scope `admin`."""
    passwords.check(body.password, name)
    kept = await desk.hashing.of(body.password)
    await write(no_content, accounts.set_password, name, kept, desk.now(), actor=who.actor)


def _shown(account: Account, response: Response) -> AccountOut:
    response.headers["ETag"] = f'"{account.version}"'
    return AccountOut.of(account)
