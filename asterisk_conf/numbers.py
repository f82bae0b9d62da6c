"""The spellings in which a carrier may send a number that a caller dialled."""

import re

_PREFIX = re.compile(r"^(\+86|0086|86(?=\d{10,11}$)|0(?=[1-9]\d{8,}$))")


def spellings(number: str) -> tuple[str, ...]:
    """All spellings of one published Chinese number, the given one first.

    A carrier sends national form, with or without the trunk zero, or E.164 with `+`, bare, or
    with the international prefix 00. Numbers of fewer than 8 digits (95xxx, internal) are sent
    as they are.

    >>> spellings("4001234567")
    ('4001234567', '04001234567', '+864001234567', '864001234567', '00864001234567')
    """
    national = _PREFIX.sub("", number)
    if len(national) < 8:
        return (number,)
    forms = (
        number,
        national,
        f"0{national}",
        f"+86{national}",
        f"86{national}",
        f"0086{national}",
    )
    return tuple(dict.fromkeys(forms))
