"""Tokens of programs, for administrators. A token's secret is shown once, when it is made."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import Depends
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from desk import accounts, tokens
from desk.api.access import Reader, reader
from desk.api.paging import Page, number_from_cursor
from desk.api.problems import Problem
from desk.api.room import MISSING, Cursor, Desk, Id, Limit, room
from desk.api.writing import Write, no_content
from desk.tokens import SCOPES, Token

router = room("tokens")

Administrator = Annotated[Reader, Depends(reader("admin"))]


class TokenIn(BaseModel):
    """A token to make."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=100, description="who uses it")]
    scopes: Annotated[list[str], Field(min_length=1, max_length=50)] = Field(
        description=", ".join(SCOPES)
    )
    expires_at: AwareDatetime | None = Field(None, description="null: never")
    account: Annotated[str, Field(max_length=40)] | None = Field(
        None, description="whose role and team bound it; it ends with the account"
    )


class TokenOut(BaseModel):
    """A token without its secret."""

    id: int
    name: str
    scopes: list[str]
    account_id: int | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    @classmethod
    def of(cls, token: Token) -> Self:
        """From the desk's token."""
        return cls(
            id=token.id,
            name=token.name,
            scopes=list(token.scopes),
            account_id=token.account_id,
            created_at=token.created_at,
            expires_at=token.expires_at,
            revoked_at=token.revoked_at,
            last_used_at=token.last_used_at,
        )


class NewTokenOut(TokenOut):
    """A token and, this once, its secret."""

    token: str = Field(description="goes into Authorization: Bearer …; it is shown nowhere again")


@router.get("/tokens")
async def list_tokens(
    desk: Desk, who: Administrator, limit: Limit = 50, cursor: Cursor = None
) -> Page[TokenOut]:
    """Tokens, newest first, also expired and revoked ones. Scope `admin`."""
    before = number_from_cursor(cursor)
    found = [
        token
        for token in reversed(await desk.db.read(tokens.listing))
        if before is None or token.id < before
    ]
    return Page[TokenOut].of(found[: limit + 1], limit, lambda t: t.id, TokenOut.of)


@router.post("/tokens", status_code=201, responses=MISSING)
async def create_token(desk: Desk, who: Administrator, write: Write, body: TokenIn) -> NewTokenOut:
    """Make a token. Scope `admin`."""
    write.response.headers["Cache-Control"] = "no-store"
    return await write(_shown_once, _create, body, desk.now(), who.actor)


@router.delete("/tokens/{token_id}", status_code=204, responses=MISSING)
async def revoke_token(desk: Desk, who: Administrator, write: Write, token_id: Id) -> None:
    """Make a token useless from now on; twice is once. Scope `admin`."""
    await write(no_content, tokens.revoke, token_id, desk.now(), actor=who.actor)


def _shown_once(made: tuple[Token, str]) -> NewTokenOut:
    token, secret = made
    return NewTokenOut(**TokenOut.of(token).model_dump(), token=secret)


def _create(db: Connection, body: TokenIn, now: datetime, actor: str) -> tuple[Token, str]:
    account_id = accounts.get(db, body.account).id if body.account is not None else None
    try:
        return tokens.create(
            db, body.name, body.scopes, now, expires_at=body.expires_at, account_id=account_id,
            actor=actor,
        )  # fmt: skip
    except ValueError as error:
        raise Problem(422, "bad-token", "No token", str(error), "Correct what is wrong.") from error
