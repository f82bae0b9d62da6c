"""What every request of the API works with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo

from fastapi import Request

from desk.api.control import CallControl
from desk.api.feed import Feed
from desk.api.line import LineStatus
from desk.api.metrics import Metrics
from desk.db.engine import Database
from desk.settings import ApiSettings


@dataclass(frozen=True, slots=True, eq=False)
class ApiState:
    """The desk, the line, and the clock."""

    db: Database
    line: LineStatus
    control: CallControl
    settings: ApiSettings
    feed: Feed
    metrics: Metrics
    now: Callable[[], datetime]
    timezone: tzinfo


def state_of(request: Request) -> ApiState:
    """The application's state."""
    state: ApiState = request.app.state.desk
    return state
