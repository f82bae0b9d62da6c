"""Logging in and out: a session in a cookie that no script reads."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection
from starlette.responses import Response

from desk import accounts
from desk.access import Principal
from desk.accounts import Session, passwords, sessions
from desk.api.access import (
    COOKIE,
    Reader,
    loopback,
    on_own_site,
    reader,
)
from desk.api.limits import asker_at
from desk.api.problems import Problem
from desk.api.room import Desk, described, room
from desk.api.state import ApiState
from desk.api.writing import Write, no_content
from desk.tokens import SCOPES

router = room("session")

Asker = Annotated[Reader, Depends(reader(None))]
Password = Annotated[str, Field(min_length=1, max_length=passwords.MOST)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LogIn(_Body):
    """Who logs in."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    password: Password


class NewPassword(_Body):
    """A new password for oneself."""

    old: Password
    new: Password


class SessionOut(BaseModel):
    """Who asks, and what he may."""

    name: str = Field(description="of the account, or of the token")
    full_name: str
    role: str
    team: str
    scopes: list[str]
    unmasked: bool = Field(description="sees numbers and names in full, as far as the role reaches")
    csrf: str | None = Field(description="goes with what writes, as X-CSRF-Token; null for tokens")
    expires_at: datetime | None = Field(description="of the session; null for tokens")

    @classmethod
    def of(cls, who: Principal, csrf: str | None, expires_at: datetime | None) -> Self:
        """From who asks."""
        return cls(
            name=who.actor,
            full_name=who.full_name,
            role=who.role.value,
            team=who.team,
            scopes=[scope for scope in SCOPES if who.allows(scope)],
            unmasked=who.unmasked,
            csrf=csrf,
            expires_at=expires_at,
        )


@router.post("/session", responses=described({401: "wrong, unknown, locked or disabled"}))
async def log_in(desk: Desk, request: Request, body: LogIn, response: Response) -> SessionOut:
    """Log in with an account; the answer sets the cookie, which no script can read. The answer is
    the same for a wrong name, a wrong password and a locked or disabled account: five wrong
    passwords lock it for a minute, each further one for twice as long, an hour at most.
    """
    on_own_site(request)
    now, address = desk.now(), asker_at(request, desk.settings.proxies)
    desk.limits.logins.check(f"at {address}", now, f"The address {address}")
    desk.limits.logins.check(f"as {body.name}", now, "This account")
    kept = await desk.db.read(accounts.password_of, body.name)
    right = await desk.hashing.verify(kept or passwords.NOBODYS, body.password)
    made = None
    if kept is not None and right:
        new = await desk.hashing.of(body.password) if passwords.outdated(kept) else None
        made = await desk.db.write(
            sessions.open_session, body.name, kept, desk.now(), desk.terms, new
        )
    elif kept is not None:
        await desk.db.write(accounts.failed, body.name, desk.now())
    if made is None:
        raise Problem(
            401,
            "login-refused",
            "Not logged in",
            "Name or password is wrong, or the account is locked or disabled.",
            "Try again in a few minutes, or ask an administrator: huisheng account password NAME.",
        )
    session, secret = made
    response.set_cookie(
        COOKIE,
        secret,
        max_age=int(desk.terms.longest.total_seconds()),
        path="/",
        httponly=True,
        samesite="lax",
        secure=not loopback(request.url.hostname or ""),
    )
    response.headers["Cache-Control"] = "no-store"
    return _shown(session, secret)


@router.get("/session")
async def get_session(desk: Desk, request: Request, who: Asker, response: Response) -> SessionOut:
    """Who asks, and what he may; of a session also `csrf`. Any valid token or session."""
    response.headers["Cache-Control"] = "no-store"
    found = await _session(desk, request)
    if found is None:
        return SessionOut.of(who.principal, None, None)
    return _shown(found, request.cookies[COOKIE])


@router.delete("/session", status_code=204)
async def log_out(desk: Desk, request: Request, who: Asker) -> Response:
    """Log out. A token stays. Any valid token or session."""
    found = await _session(desk, request)
    if found is not None:
        await desk.db.write(sessions.close, found, desk.now())
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
    return response


@router.put("/session/password", status_code=204, responses=described({409: "a token has none"}))
async def set_own_password(
    desk: Desk, request: Request, who: Asker, write: Write, body: NewPassword
) -> None:
    """Change one's own password; every other session of the account ends. A session."""
    found = await _session(desk, request)
    if found is None:
        raise Problem(
            409,
            "not-a-session",
            "Not a session",
            "A token has no password.",
            "Log in with an account.",
        )
    name = found.account.name
    desk.limits.logins.check(f"as {name}", desk.now(), "This account")
    kept = await desk.db.read(accounts.password_of, name)
    if kept is None or not await desk.hashing.verify(kept, body.old):
        await desk.db.write(accounts.failed, name, desk.now())
        raise Problem(
            403, "password-wrong", "Wrong password", "The old password is wrong.", "Try again."
        )
    passwords.check(body.new, name)
    new = await desk.hashing.of(body.new)
    await write(no_content, _set, found, new, desk.now())


def _set(db: Connection, session: Session, new: str, now: datetime) -> None:
    name = session.account.name
    accounts.set_password(db, name, new, now, actor=name, keep_session=session.id)


async def _session(desk: ApiState, request: Request) -> Session | None:
    secret = request.cookies.get(COOKIE)
    if secret is None or "authorization" in request.headers:
        return None
    return await desk.db.read(sessions.check, secret, desk.now(), desk.terms)


def _shown(session: Session, secret: str) -> SessionOut:
    who = accounts.of_account(session.account)
    return SessionOut.of(who, sessions.csrf_of(secret), session.expires_at)
