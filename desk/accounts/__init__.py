"""Accounts of people, their passwords and sessions, and who stands behind a request."""

from desk.accounts import passwords, sessions
from desk.accounts.account import (
    Account,
    AccountExists,
    BadAccount,
    LastAdministrator,
    NoSuchAccount,
    by_id,
    find,
    get,
    listing,
    password_of,
)
from desk.accounts.changes import NewAccount, change, create, failed, locked_until, set_password
from desk.accounts.passwords import BadPassword, Hashing
from desk.accounts.principals import of_account, of_token
from desk.accounts.sessions import Session, Terms

__all__ = [
    "Account",
    "AccountExists",
    "BadAccount",
    "BadPassword",
    "Hashing",
    "LastAdministrator",
    "NewAccount",
    "NoSuchAccount",
    "Session",
    "Terms",
    "by_id",
    "change",
    "create",
    "failed",
    "find",
    "get",
    "listing",
    "locked_until",
    "of_account",
    "of_token",
    "password_of",
    "passwords",
    "sessions",
    "set_password",
]
