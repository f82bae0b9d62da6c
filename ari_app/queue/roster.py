"""The agents' states: a state machine without a clock or a telephone.

READY ──ring──► RINGING ──busy──► BUSY ──free──► WRAP_UP ──time──► READY
  ▲               │ declined
  └───────────────┴──► UNREACHABLE ──time──► READY      AWAY: whenever the agent says so
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from ari_app.queue.agent import Agent, AgentStanding, AgentState, Row
from ari_app.queue.errors import NoSuchAgent, StateRefused
from ari_app.queue.settings import QueueSettings

log = structlog.get_logger()

LEAST_WRAP_UP_SECONDS = 10.0
UNANSWERED = ("no_answer", "rejected")  # the phone rang
DECLINED = (*UNANSWERED, "busy", "unreachable")
"""How a ring can end without an answer."""

TALKS_KEPT = 100

_OFF_DUTY = (AgentState.AWAY, AgentState.UNREACHABLE)


@dataclass(slots=True)
class _Post:
    agent: Agent
    since: datetime
    idle_since: datetime  # what "longest idle" goes by: a ring that came to nothing keeps it
    state: AgentState = AgentState.READY
    reason: str = ""
    call_id: str = ""
    taken: datetime | None = None  # when the present call began to ring or to talk
    until: datetime | None = None  # when WRAP_UP or UNREACHABLE ends
    leaving: str | None = None  # goes away with this reason when the call ends
    misses: int = 0  # rings in a row without an answer

    def standing(self) -> AgentStanding:
        return AgentStanding(
            self.agent,
            self.state,
            self.reason,
            self.since,
            self.call_id,
            leaving=self.leaving is not None,
        )


class Roster:
    """All agents of the line. `now` is aware everywhere; `changed` hears of each change at once."""

    def __init__(
        self,
        agents: Iterable[Agent],
        settings: QueueSettings,
        now: datetime,
        changed: Callable[[AgentStanding], None],
    ) -> None:
        """Everybody is ready from `now` on."""
        self._settings = settings
        self._changed = changed
        self._posts = {agent.extension: _Post(agent, now, now) for agent in agents}
        self.talk_seconds: deque[float] = deque(
            maxlen=TALKS_KEPT
        )  # of the last calls, from ring to end

    # what is

    def agent(self, extension: str) -> Agent:
        """The agent of that extension."""
        return self._post(extension).agent

    def standing(self, extension: str) -> AgentStanding:
        """What that agent does."""
        return self._post(extension).standing()

    def standings(self) -> tuple[AgentStanding, ...]:
        """What everybody does, in the order of config.yaml."""
        return tuple(post.standing() for post in self._posts.values())

    def ready(self) -> list[str]:
        """Extensions of those who could take a call now, the longest idle first."""
        idle = [post for post in self._posts.values() if post.state is AgentState.READY]
        idle.sort(key=lambda post: post.idle_since)
        return [post.agent.extension for post in idle]

    def on_duty(self) -> frozenset[str]:
        """Extensions of those who are ready or will be when they have done what they do."""
        return frozenset(
            extension for extension, post in self._posts.items() if post.state not in _OFF_DUTY
        )

    def hoped_for(self) -> frozenset[str]:
        """Extensions of those on duty, and of those whose telephone only rests for a moment."""
        return frozenset(
            extension
            for extension, post in self._posts.items()
            if post.state not in _OFF_DUTY
            or (post.state is AgentState.UNREACHABLE and not self._is_missing(post))
        )

    def due(self) -> datetime | None:
        """When `tick` has something to do next; None: nothing ends by itself."""
        return min((p.until for p in self._posts.values() if p.until is not None), default=None)

    # what happens

    def tick(self, now: datetime) -> None:
        """End what is over by `now`."""
        for post in self._posts.values():
            if post.until is not None and post.until <= now:
                self._ready(post, post.until)

    def ring(self, extension: str, call_id: str, now: datetime) -> bool:
        """The phone rings for this call; False if the agent is not ready."""
        post = self._post(extension)
        if post.state is not AgentState.READY:
            return False
        post.taken = now
        self._put(post, AgentState.RINGING, "", now, call_id=call_id)
        return True

    def release(self, extension: str, call_id: str, now: datetime) -> None:
        """The caller is gone before the agent could answer, who loses nothing by it."""
        post = self._post(extension)
        if self._rings_for(post, call_id) and not self._left(post, now):
            self._put(post, AgentState.READY, "", now)

    def declined(self, extension: str, call_id: str, why: str, now: datetime) -> None:
        """The ring for this call ended without an answer; `why` is one of `DECLINED`.

        Who did not answer goes to the end of the idle ones; a telephone that could not ring rests
        for `unreachable_pause_seconds`. After `unanswered_rings` such failures in a row, those of
        busy telephones apart, the pause is `unanswered_pause_seconds`, and one more suffices then.
        """
        if why not in DECLINED:
            raise ValueError(f"why must be one of {', '.join(DECLINED)}; got {why!r}")
        post = self._post(extension)
        if not self._rings_for(post, call_id):
            return  # another call has the agent meanwhile
        post.misses += why != "busy"
        if self._left(post, now):
            return
        if self._is_missing(post) and why != "busy":
            self._unreachable(post, why, self._settings.unanswered_pause_seconds, now)
        elif why in UNANSWERED:
            self._ready(post, now, why)
        else:
            self._unreachable(post, why, self._settings.unreachable_pause_seconds, now)

    def busy(self, extension: str, call_id: str, now: datetime) -> None:
        """The agent talks in this call, however it came about."""
        post = self._post(extension)
        post.misses = 0
        if post.state is AgentState.AWAY and post.leaving is None:
            post.leaving = post.reason  # a call of his own does not end a break
        if call_id != post.call_id:
            post.taken = now
        if (post.state, post.call_id) != (AgentState.BUSY, call_id):
            self._put(post, AgentState.BUSY, "", now, call_id=call_id)

    def free(self, extension: str, call_id: str, now: datetime) -> None:
        """The agent has left this call (`""`: whichever it was)."""
        post = self._post(extension)
        if call_id not in ("", post.call_id):
            return
        if post.state is AgentState.RINGING:
            self.release(extension, post.call_id, now)
        elif post.state is AgentState.BUSY:
            took = now - (post.taken or post.since)
            self.talk_seconds.append(max(0.0, took.total_seconds()))
            if not self._left(post, now):
                self._wrap_up(post, now)

    def set_state(self, extension: str, state: AgentState, reason: str, now: datetime) -> None:
        """What the agent, a supervisor or the PBX says: READY, AWAY, WRAP_UP or UNREACHABLE.

        During a call AWAY takes force at its end, and READY takes that back. UNREACHABLE is over
        by itself; it does not end a break, and says nothing against a call that goes on.

        Raises:
            StateRefused: any other state.
        """
        post = self._post(extension)
        in_call = post.state in (AgentState.RINGING, AgentState.BUSY)
        match state:
            case AgentState.AWAY if in_call:
                post.leaving = reason
                self._changed(post.standing())
            case AgentState.AWAY:
                since = post.since if post.state is AgentState.AWAY else now
                self._put(post, AgentState.AWAY, reason, since)
            case AgentState.READY:
                post.misses = 0
                if in_call and post.leaving is not None:
                    post.leaving = None
                    self._changed(post.standing())
                elif not in_call and post.state is not AgentState.READY:
                    self._ready(post, now, reason)
            case AgentState.UNREACHABLE:
                if not in_call and post.state is not AgentState.AWAY:
                    pause = self._settings.unreachable_pause_seconds
                    self._unreachable(post, reason or "unreachable", pause, now)
            case AgentState.WRAP_UP:  # more time to write up; a talk is followed by it anyway
                if not in_call:
                    seconds = max(self._settings.wrap_up_seconds, LEAST_WRAP_UP_SECONDS)
                    self._put(post, state, reason, now, now + timedelta(seconds=seconds))
            case _:
                raise StateRefused(extension, state)

    def restore(self, rows: Iterable[Row], now: datetime) -> None:
        """Go on with what the desk knows from before a restart.

        Who was in a call is ready, at the end of the idle ones, until `busy` says that the talk
        goes on. Agents that config.yaml no longer has are passed over.
        """
        for row in rows:
            post = self._posts.get(row.extension)
            if post is None:
                continue
            post.reason = row.reason
            match row.state:
                case AgentState.READY:
                    post.since = post.idle_since = min(row.since, now)
                case AgentState.AWAY:
                    post.state, post.since = AgentState.AWAY, row.since
                case AgentState.WRAP_UP:
                    post.state, post.since = AgentState.WRAP_UP, row.since
                    post.until = row.since + timedelta(seconds=self._settings.wrap_up_seconds)
                case AgentState.UNREACHABLE:
                    pause = self._pause_for(row.reason)
                    post.state, post.since = AgentState.UNREACHABLE, row.since
                    post.until = row.since + timedelta(seconds=pause)
                case AgentState.RINGING | AgentState.BUSY:
                    post.reason = ""
                case _:
                    log.warning("agent's state is not known", agent=row.extension, state=row.state)
        self.tick(now)

    # one kind of change each

    def _post(self, extension: str) -> _Post:
        try:
            return self._posts[extension]
        except KeyError:
            raise NoSuchAgent(extension) from None

    def _rings_for(self, post: _Post, call_id: str) -> bool:
        return post.state is AgentState.RINGING and post.call_id == call_id

    def _is_missing(self, post: _Post) -> bool:
        return 0 < self._settings.unanswered_rings <= post.misses

    def _left(self, post: _Post, now: datetime) -> bool:
        """Whether the agent wanted to go; then he is away now."""
        if post.leaving is None:
            return False
        reason, post.leaving = post.leaving, None
        self._put(post, AgentState.AWAY, reason, now)
        return True

    def _ready(self, post: _Post, now: datetime, reason: str = "") -> None:
        post.idle_since = now
        self._put(post, AgentState.READY, reason, now)

    def _wrap_up(self, post: _Post, now: datetime) -> None:
        seconds = self._settings.wrap_up_seconds
        if seconds:
            self._put(post, AgentState.WRAP_UP, "", now, now + timedelta(seconds=seconds))
        else:
            self._ready(post, now)

    def _unreachable(self, post: _Post, why: str, pause: float, now: datetime) -> None:
        self._put(post, AgentState.UNREACHABLE, why, now, now + timedelta(seconds=pause))

    def _pause_for(self, why: str) -> float:
        if why in UNANSWERED:
            return self._settings.unanswered_pause_seconds
        return self._settings.unreachable_pause_seconds

    def _put(
        self,
        post: _Post,
        state: AgentState,
        reason: str,
        since: datetime,
        until: datetime | None = None,
        *,
        call_id: str = "",
    ) -> None:
        post.state, post.reason, post.since, post.until = state, reason, since, until
        post.call_id = call_id
        self._changed(post.standing())
