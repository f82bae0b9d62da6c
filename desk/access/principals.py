"""Who stands behind a token."""

from desk.access.roles import Principal, Role
from desk.tokens import Token


def of_token(token: Token) -> Principal:
    """A program's token acts as an integration; one made for what supervisors decide, or for
    everything, as a supervisor or an administrator.
    """
    role = Role.INTEGRATION
    if "admin" in token.scopes:
        role = Role.ADMINISTRATOR
    elif "tickets:override" in token.scopes:
        role = Role.SUPERVISOR
    return Principal(
        actor=token.name,
        owner=f"token:{token.id}",
        role=role,
        scopes=frozenset(token.scopes),
        unmasked=token.allows("unmasked"),
        names=frozenset({token.name}),
    )
