"""What every request of the API works with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from fastapi import Request

from desk.accounts import Hashing, Terms
from desk.api.control import CallControl
from desk.api.feed import Feed
from desk.api.limits import Limits
from desk.api.line import LineStatus
from desk.api.metrics import Metrics
from desk.api.revealing import Readings
from desk.db.engine import Database
from desk.messages import MessageSettings, Templates
from desk.served import Asked
from desk.settings import ApiSettings


@dataclass(frozen=True, slots=True, eq=False)
class ApiState:
    """The desk, the line, and the clock.

    Attributes:
        templates: the messages to customers.
        under_way: requests with a key that are being served.
    """

    db: Database
    line: LineStatus
    control: CallControl
    settings: ApiSettings
    feed: Feed
    metrics: Metrics
    now: Callable[[], datetime]
    timezone: tzinfo
    limits: Limits
    terms: Terms
    templates: Templates = field(default_factory=lambda: Templates(MessageSettings(), ""))
    readings: Readings = field(default_factory=Readings)
    hashing: Hashing = field(default_factory=Hashing)
    under_way: set[Asked] = field(default_factory=set)


def state_of(request: Request) -> ApiState:
    """The application's state."""
    state: ApiState = request.app.state.desk
    return state
