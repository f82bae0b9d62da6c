"""Who may ask: bearer tokens with scopes, and sessions of people; pages only from this machine."""

import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from desk import accounts, tokens
from desk.access import UNMASKED, Place, Principal, Reach, Role, reach_of, whose
from desk.accounts import sessions
from desk.api import repeats
from desk.api.bodies import brings_file
from desk.api.limits import asker_at
from desk.api.problems import Problem
from desk.api.state import ApiState, state_of
from desk.tickets import Ticket

COOKIE = "huisheng_session"
CSRF_HEADER = "X-CSRF-Token"
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")
_OWN_SITE = {"same-origin", "none"}

_bearer = HTTPBearer(
    auto_error=False,
    description="A token made by `huisheng token create`; each path names the scope it needs.",
)
_cookie = APIKeyCookie(
    name=COOKIE,
    auto_error=False,
    description="A session, from POST /api/v1/session. What writes carries its `csrf` as "
    f"{CSRF_HEADER} besides.",
)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks, and up to whose tickets this operation goes for him."""

    principal: Principal
    reach: Reach

    @property
    def actor(self) -> str:
        """As the timeline names him."""
        return self.principal.actor

    @property
    def clear(self) -> Reach:
        """Up to whose tickets numbers and names are shown in full."""
        return UNMASKED[self.principal.role] if self.principal.unmasked else Reach.NONE

    @property
    def sees(self) -> str:
        """What makes an answer to him the same: role, team, and numbers in full."""
        who = self.principal
        return "\n".join((who.role.value, who.team, str(who.unmasked)))

    @property
    def masked(self) -> bool:
        """Numbers and names of what is of no ticket are masked."""
        return self.clear is not Reach.OTHER

    def masks(self, ticket: Ticket) -> bool:
        """Numbers and names in this ticket, and in what belongs to it, are masked."""
        place = Place(ticket.team, ticket.assignee)
        return whose(place, self.principal) > self.clear


def reader(scope: str | None) -> Callable[..., Awaitable[Reader]]:
    """A dependency: the request carries a valid token with this scope (None: any), or a session,
    and the operation is for the asker's role.
    """

    async def check(
        request: Request,
        given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
        secret: Annotated[str | None, Depends(_cookie)],
    ) -> Reader:
        state = state_of(request)
        who = await authenticated(request, state, given, secret)
        state.limits.requests.check(who.owner, state.now(), who.actor)
        if scope is not None and not who.allows(scope):
            raise Problem(
                403,
                "scope-missing",
                "Not allowed",
                f"The token {who.actor!r} does not have the scope {scope}.",
                f"Make one that has: huisheng token create NAME --scope {scope}",
            )
        operation = operation_of(request)
        found = allowed(operation, who)
        request.state.reader = found
        files = brings_file(request.method, request.url.path)  # begun as soon as the file is here
        if repeats.keyed(request) and not files:
            body = await request.body()
            await repeats.begin(
                request,
                state.db,
                state.under_way,
                state.now,
                who.owner,
                operation,
                body,
                found.sees,
            )
        return found

    return check


async def authenticated(
    request: Request,
    state: ApiState,
    given: HTTPAuthorizationCredentials | None,
    secret: str | None,
) -> Principal:
    """Who asks.

    Raises:
        Problem: 401, nobody that is known; 403, the session's request was not made by its page;
            429, too many from this address were nobody.
    """
    now = state.now()
    try:
        if given is not None:
            return await _of_token(state, given.credentials, now)
        if secret is not None:
            return await _of_session(request, state, secret, now)
        raise _unauthorized("token-missing", "The request carries no token.")
    except Problem as problem:
        if problem.status == 401:
            address = asker_at(request, state.settings.proxies)
            state.limits.failures.check(address, now, f"The address {address}, without a token,")
        raise


async def still(state: ApiState, who: Principal, request: Request) -> Principal | None:
    """The same asker as he is now, for what goes on for long; None: he may no longer ask."""
    now = state.now()
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    try:
        if scheme.lower() == "bearer":
            found = await _of_token(state, secret, now)
        else:
            found = await _of_session(request, state, request.cookies.get(COOKIE, ""), now)
    except Problem:
        return None
    return found if found.owner == who.owner else None


async def _of_token(state: ApiState, secret: str, now: datetime) -> Principal:
    token = await state.db.read(tokens.check, secret, now)
    who = await state.db.read(accounts.of_token, token) if token is not None else None
    if token is None or who is None:
        raise _unauthorized("token-invalid", "The token is unknown, expired or revoked.")
    if tokens.use_is_worth_noting(token, now):
        await state.db.write(tokens.used, token, now)
    return who


async def _of_session(request: Request, state: ApiState, secret: str, now: datetime) -> Principal:
    session = await state.db.read(sessions.check, secret, now, state.terms)
    if session is None:
        raise _unauthorized("session-over", "The session is over.", "Log in again.")
    if request.method in repeats.WRITES:
        by_own_page(request, secret)
    if sessions.use_is_worth_noting(session, now):
        await state.db.write(sessions.used, session, now)
    return accounts.of_account(session.account)


def by_own_page(request: Request, secret: str) -> None:
    """A session's request that writes was made by a page of ours.

    Raises:
        Problem: it may be a foreign page's.
    """
    on_own_site(request)
    if not sessions.csrf_is_right(secret, request.headers.get(CSRF_HEADER, "")):
        raise _foreign()


def on_own_site(request: Request) -> None:
    """A browser says that a page of ours made the request, or says nothing.

    Raises:
        Problem: a foreign page did.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    elsewhere = origin is not None and urlsplit(origin).netloc != request.headers.get("host")
    if elsewhere or (site is not None and site not in _OWN_SITE):
        raise _foreign()


def _foreign() -> Problem:
    return Problem(
        403,
        "csrf-token-wrong",
        "Not from our page",
        f"The request does not carry the session's {CSRF_HEADER}, or comes from another site.",
        f"GET /api/v1/session tells `csrf`; send it as {CSRF_HEADER} with what writes.",
    )


def operation_of(request: Request) -> str:
    """The request's operation as the permission table names it."""
    method = "GET" if request.method == "HEAD" else request.method
    path: str = request.scope["route"].path
    return f"{method} {path.removeprefix('/api/v1')}"


def allowed(operation: str, who: Principal) -> Reader:
    """`who` for an operation, as the permission table has it.

    Raises:
        Problem: it is not for his role at all.
    """
    reach = reach_of(operation, who.role)
    if reach is Reach.NONE:
        may = [str(role) for role in Role if reach_of(operation, role) is not Reach.NONE]
        raise Problem(
            403,
            "operation-not-allowed",
            "Not for this role",
            f"{operation} is not for the role {who.role}.",
            f"Ask one of: {', '.join(may) or 'nobody'}.",
        )
    return Reader(who, reach)


def _unauthorized(
    error_id: str,
    detail: str,
    mend: str = "Send Authorization: Bearer hs_…; huisheng token create makes a token.",
) -> Problem:
    return Problem(
        401,
        error_id,
        "Not authenticated",
        detail,
        mend,
        headers={"WWW-Authenticate": 'Bearer realm="huisheng"'},
    )


async def on_this_machine(request: Request) -> None:
    """A dependency: the browser runs on this machine and asked for this machine by name.

    The name is checked because a hostile page can make its own name resolve to 127.0.0.1.
    """
    state: ApiState = state_of(request)
    host = (request.url.hostname or "").lower()
    local_name = host in ("localhost", state.settings.host.lower()) or loopback(host)
    forwarded = any(name in request.headers for name in _FORWARDED)
    if request.client is None or not loopback(request.client.host) or forwarded or not local_name:
        raise Problem(
            403,
            "only-on-this-machine",
            "Not allowed",
            "This page is only shown to a browser on the machine itself.",
            "Open it there, or through a tunnel: ssh -L 8280:127.0.0.1:8280 …; programs use "
            "/api/v1 with a token.",
        )


def loopback(host: str) -> bool:
    """This machine, by name or address."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


async def storable_request(request: Request) -> None:
    """A dependency: path and query hold no NUL, which no text in a database can."""
    if "\0" in request.url.path or b"%00" in request.scope["query_string"]:
        raise Problem(
            400,
            "bad-character",
            "Bad character",
            "The request holds a NUL character.",
            "Leave it out.",
        )
