"""Notices: what people are told of, each in an inbox of their own or of their team."""

from desk.notices.addresses import BadAddress, Inbox, address
from desk.notices.notices import (
    NewNotice,
    NoSuchNotice,
    Notice,
    forget,
    notify,
    of_inbox,
    read,
    read_all,
    unread,
)

__all__ = [
    "BadAddress",
    "Inbox",
    "NewNotice",
    "NoSuchNotice",
    "Notice",
    "address",
    "forget",
    "notify",
    "of_inbox",
    "read",
    "read_all",
    "unread",
]
