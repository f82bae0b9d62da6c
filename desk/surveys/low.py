"""What follows from an answer. Pure, and bounded: no ticket goes round between answer and work."""

from enum import StrEnum

from desk.surveys.settings import LowSettings


class Effect(StrEnum):
    """What an answer did."""

    NONE = ""
    REOPENED = "reopened"
    ALARMED = "alarmed"


def effect_of(points: int, *, closed: bool, reopenings: int, settings: LowSettings) -> Effect:
    """What an answer is to do.

    Args:
        closed: the ticket is closed, and by that answer's own cycle.
        reopenings: how often low answers have reopened this ticket already.
    """
    if points > settings.at_most or settings.then == "nothing":
        return Effect.NONE
    if settings.then == "reopen" and closed and reopenings < settings.most_reopenings:
        return Effect.REOPENED
    return Effect.ALARMED
