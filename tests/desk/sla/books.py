"""Policies and durations that tests of service levels begin with."""

from datetime import timedelta
from typing import Any

from desk.sla.book import Book, BookData, CalendarData
from desk.sla.settings import HoursSettings, PolicySettings

CHAIN = [
    {"to": "agent", "share": 0.75},
    {"to": "lead", "share": 1},
    {"to": "supervisor", "share": 1.5},
    {"to": "manager", "share": 2},
]


def book(
    resolution: int = 1440,
    *,
    response: int = 120,
    hand_over: int = 60,
    clock: str = "wall",
    steps: list[dict[str, Any]] | None = None,
    workday: tuple[str, ...] = ("09:00-18:00",),
) -> Book:
    """One policy for all, in minutes; the team `night` works at night."""

    def target(minutes: int) -> dict[str, Any]:
        return {
            "due_minutes": minutes,
            "clock": clock,
            "steps": CHAIN if steps is None else steps,
        }

    targets = {
        "first_response": target(response),
        "resolution": target(resolution),
        "hand_over": target(hand_over),
    }

    def calendar(*hours: str) -> CalendarData:
        return CalendarData(timezone="Asia/Shanghai", hours=HoursSettings(workday=list(hours)))

    return Book.of(
        BookData(
            policies=[PolicySettings.model_validate({"name": "all", "targets": targets})],
            calendars={"default": calendar(*workday), "night": calendar("22:00-06:00")},
            known_through=2026,
        )
    )


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)
