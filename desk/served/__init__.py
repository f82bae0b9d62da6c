"""Requests that are safe to repeat."""

from desk.served.served import (
    KEPT,
    MOST_OF_ONE,
    Answer,
    Asked,
    KeyTaken,
    TooManyKeys,
    claim,
    digest_of,
    find,
    forget,
    keep,
    once,
    release,
    served_chores,
)

__all__ = [
    "KEPT",
    "MOST_OF_ONE",
    "Answer",
    "Asked",
    "KeyTaken",
    "TooManyKeys",
    "claim",
    "digest_of",
    "find",
    "forget",
    "keep",
    "once",
    "release",
    "served_chores",
]
