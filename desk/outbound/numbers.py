"""Which number is dialled for whom, how, and how it is made sure who answers. Pure.

Only Chinese land lines and mobiles are dialled. Withheld and foreign numbers, services and privacy
numbers (700…) never are.
"""

from collections.abc import Collection, Sequence
from typing import Literal

from desk.outbound.settings import LimitSettings
from desk.region import Caller

Identity = Literal["pressed", "ticket_number"]
"""The key for "我是…" is enough, or the ticket's number must be keyed in."""

UNSURE = frozenset({"shared", "recycled", "virtual"})
"""Marks of numbers at which a key alone says nothing of who it is."""


def dial_string(caller: Caller | None, limits: LimitSettings) -> str | None:
    """What to dial to reach a number: the national number of a Chinese land line or mobile. None:
    it is not to be dialled.
    """
    if caller is None or caller.kind not in ("landline", "mobile"):
        return None
    national = caller.e164.removeprefix("+86")
    if national == caller.e164 or not (national.isascii() and national.isdigit()):
        return None
    number = national if caller.kind == "mobile" else f"0{national}"
    return number if is_permitted(number, limits) else None


def is_permitted(number: str, limits: LimitSettings) -> bool:
    """Whether a number as it is dialled begins as it may."""
    return (
        number.isascii()
        and number.isdigit()
        and number.startswith(tuple(limits.allowed_prefixes))
        and not number.startswith(tuple(limits.refused_prefixes))
    )


def choose(callers: Sequence[Caller], limits: LimitSettings) -> tuple[Caller, str] | None:
    """The number to call among those known of a customer, the case's own first, and what to dial;
    None: none of them may be dialled.
    """
    for caller in callers:
        number = dial_string(caller, limits)
        if number is not None:
            return caller, number
    return None


def mobile_of(callers: Sequence[Caller]) -> Caller | None:
    """The first mobile among the numbers: where an SMS can go."""
    return next((caller for caller in callers if caller.kind == "mobile" and caller.e164), None)


def identity_for(
    caller: Caller,
    *,
    withheld: bool,
    owners: int,
    marks: Collection[str],
    virtual_prefixes: Sequence[str],
) -> Identity:
    """How whoever answers at a number must say who it is.

    Args:
        withheld: the case came from a number that was withheld, so this one is only on file.
        owners: how many customers have the number.
        marks: what is known of the number.
    """
    national = caller.e164.removeprefix("+86")
    virtual = caller.kind == "mobile" and national.startswith(tuple(virtual_prefixes))
    if withheld or owners > 1 or virtual or UNSURE & set(marks):
        return "ticket_number"
    return "pressed"
