"""What stands in the way of a call, asked before anybody's telephone rings for it.

The last word is `desk.outbound.limits.begin`, in the transaction in which the attempt is written.
"""

from dataclasses import dataclass, field
from datetime import datetime

from ari_app.calls.line import Line
from desk.outbound import Cause, limits


@dataclass
class Guard:
    """Tells each limit that is hit once an hour; the desk tells it once of all processes."""

    line: Line
    _told: set[tuple[Cause, datetime]] = field(default_factory=set)

    async def cause(self, number: str, e164: str, purpose: str, agent: str = "") -> Cause | None:
        """Why this number is not called now; None: it may be. Raises DatabaseError."""
        line, now = self.line, self.line.now()
        bounds = line.settings.outbound.limits
        cause = await line.db.read(limits.why_not, number, e164, bounds, now)
        hour = now.replace(minute=0, second=0, microsecond=0)
        if cause is not None and (cause, hour) not in self._told:
            self._told = {each for each in self._told if each[1] == hour}
            await line.db.write(limits.hit, cause, number, purpose, agent, now)
            self._told.add((cause, hour))
        return cause
