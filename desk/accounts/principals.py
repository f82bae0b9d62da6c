"""Who asks, told from what he shows: a session of an account, or a token."""

from sqlalchemy import Connection

from desk.access.roles import Principal, Role
from desk.accounts.account import Account, by_id
from desk.tokens import Token


def of_account(account: Account, *, owner: str = "", scopes: frozenset[str] | None = None
               ) -> Principal:  # fmt: skip
    """Somebody by his account; `scopes` and `owner` are those of his token, if he shows one."""
    names = [account.name, account.full_name]
    if account.extension:
        names += [f"agent:{account.extension}", account.extension]
    return Principal(
        actor=account.name,
        owner=owner or f"account:{account.id}",
        role=account.role,
        team=account.team,
        scopes=scopes,
        unmasked=account.unmasked and (scopes is None or "unmasked" in scopes or "admin" in scopes),
        names=tuple(dict.fromkeys(name for name in names if name)),
        account_id=account.id,
        full_name=account.full_name,
    )


def of_token(db: Connection, token: Token) -> Principal | None:
    """Who stands behind a valid token; None if its account is disabled.

    A token that is bound to an account does what its scopes and the account's role both allow. A
    program's own acts as an integration; one made for what supervisors decide, or for everything,
    as a supervisor or an administrator.
    """
    owner, scopes = f"token:{token.id}", frozenset(token.scopes)
    if token.account_id is not None:
        account = by_id(db, token.account_id)
        if account is None or account.disabled_at is not None:
            return None
        return of_account(account, owner=owner, scopes=scopes)
    role = Role.INTEGRATION
    if "admin" in scopes:
        role = Role.ADMINISTRATOR
    elif "tickets:override" in scopes:
        role = Role.SUPERVISOR
    return Principal(
        actor=token.name,
        owner=owner,
        role=role,
        scopes=scopes,
        unmasked=token.allows("unmasked"),
        names=(token.name,),
    )
