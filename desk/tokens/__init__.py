"""API tokens: who may read what, until when."""

from desk.tokens.tokens import (
    SCOPES,
    Token,
    check,
    create,
    listing,
    revoke,
    use_is_worth_noting,
    used,
)

__all__ = ["SCOPES", "Token", "check", "create", "listing", "revoke", "use_is_worth_noting", "used"]
