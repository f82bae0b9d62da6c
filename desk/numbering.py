"""Ticket numbers: short, digits only, easy to say, and a misheard digit shows.

The number is the ticket's id, counted from 10001, and a check digit after Damm (2004), which
catches every wrong digit and every swap of neighbours.
"""

BASE = 10_000
# H. M. Damm, "Total anti-symmetrische Quasigruppen", 2004: the quasigroup of order 10.
_TABLE = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2),
    (7, 0, 9, 2, 1, 5, 4, 8, 6, 3),
    (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6),
    (6, 1, 2, 3, 0, 4, 5, 9, 7, 8),
    (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4),
    (8, 9, 4, 5, 3, 6, 2, 0, 1, 7),
    (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)


def check_digit(digits: str) -> int:
    """Damm's check digit of a string of ASCII digits; 0 if its last digit is already right."""
    interim = 0
    for digit in digits:
        interim = _TABLE[interim][int(digit)]
    return interim


def ticket_number(ticket_id: int) -> str:
    """The number that callers hear and say: at least five digits and the check digit."""
    digits = str(BASE + ticket_id)
    return f"{digits}{check_digit(digits)}"


def ticket_id_of(number: str) -> int | None:
    """The id behind a number as somebody wrote or keyed it; None if it cannot be one."""
    digits = "".join(number.split())
    if not (digits.isascii() and digits.isdigit() and 6 <= len(digits) <= 18):
        return None
    if digits[0] == "0" or check_digit(digits) != 0:
        return None
    ticket_id = int(digits[:-1]) - BASE
    return ticket_id if ticket_id > 0 else None
