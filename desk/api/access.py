"""Who may ask: bearer tokens with scopes; pages only from this machine."""

import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from desk import tokens
from desk.access import Principal, Reach, Role, of_token, reach_of
from desk.api.problems import Problem
from desk.api.state import ApiState, state_of

_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")

_bearer = HTTPBearer(
    auto_error=False,
    description="A token made by `huisheng token create`; each path names the scope it needs.",
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
    def masked(self) -> bool:
        """Numbers and names are masked."""
        return not self.principal.unmasked


def reader(scope: str) -> Callable[..., Awaitable[Reader]]:
    """A dependency: the request carries a valid token with this scope."""

    async def check(
        request: Request,
        given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    ) -> Reader:
        if given is None:
            raise _unauthorized("token-missing", "The request carries no token.")
        state = state_of(request)
        now = state.now()
        token = await state.db.read(tokens.check, given.credentials, now)
        if token is None:
            raise _unauthorized("token-invalid", "The token is unknown, expired or revoked.")
        if not token.allows(scope):
            raise Problem(
                403,
                "scope-missing",
                "Not allowed",
                f"The token {token.name!r} does not have the scope {scope}.",
                f"Make one that has: huisheng token create NAME --scope {scope}",
            )
        if tokens.use_is_worth_noting(token, now):
            await state.db.write(tokens.used, token, now)
        return allowed(request, of_token(token))

    return check


def allowed(request: Request, who: Principal) -> Reader:
    """`who` for this request's operation, as the permission table has it.

    Raises:
        Problem: it is not for his role at all.
    """
    operation = f"{request.method} {request.scope['route'].path.removeprefix('/api/v1')}"
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


def _unauthorized(error_id: str, detail: str) -> Problem:
    return Problem(
        401,
        error_id,
        "Not authenticated",
        detail,
        "Send Authorization: Bearer hs_…; huisheng token create makes a token.",
        headers={"WWW-Authenticate": 'Bearer realm="huisheng"'},
    )


async def on_this_machine(request: Request) -> None:
    """A dependency: the browser runs on this machine and asked for this machine by name.

    The name is checked because a hostile page can make its own name resolve to 127.0.0.1.
    """
    state: ApiState = state_of(request)
    host = (request.url.hostname or "").lower()
    local_name = host in ("localhost", state.settings.host.lower()) or _loopback(host)
    forwarded = any(name in request.headers for name in _FORWARDED)
    if request.client is None or not _loopback(request.client.host) or forwarded or not local_name:
        raise Problem(
            403,
            "only-on-this-machine",
            "Not allowed",
            "This page is only shown to a browser on the machine itself.",
            "Open it there, or through a tunnel: ssh -L 8280:127.0.0.1:8280 …; programs use "
            "/api/v1 with a token.",
        )


def _loopback(host: str) -> bool:
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
