"""However the desk and the disk fail and wherever the process dies: once all is well again, the
desk holds what it would hold had nothing happened."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import looptime
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from ari_app.calls.call import Call, Stage
from ari_app.calls.journal.spool import FIRST, Spool
from desk.db import schema
from desk.recordings import NewRecording
from tests.ari_app.calls.journal_rig import (
    CHOICE,
    START,
    Does,
    FickleDesk,
    Rig,
    call_of,
    contents,
    know_caller,
    ticket_of,
)

STAGES = (Stage.MENU, Stage.QUEUE, Stage.TALK, Stage.MESSAGE)


class Disk(StrEnum):
    """What the disk does with one request of the spool."""

    WORKS = "works"
    DIES = "the process dies before"
    TEARS = "the process dies in the middle"
    WORKS_AND_DIES = "the process dies before it hears of it"


class Action(StrEnum):
    """What a call does; each makes one record."""

    BEGIN = "begin"
    ENTER = "enter"
    CHOOSE = "choose"
    NOTE = "note"
    KEEP = "keep"
    FINISH = "finish"


@dataclass(frozen=True)
class Step:
    """A call does something; then time passes. `at` tells steps apart."""

    call: int
    action: Action
    at: datetime
    pause: float


@dataclass
class Story:
    """Steps, played on a rig by as many processes as it takes."""

    rig: Rig
    disk: list[Disk]
    calls: list[Call] = field(default_factory=lambda: [call_of(str(n)) for n in range(3)])
    unsure: list[Step] = field(default_factory=list)  # not known to be safe, in order
    deaths: int = 0

    async def play(self, steps: list[Step]) -> None:
        await self._alive(self._start)
        for step in steps:
            self.unsure.append(step)
            if await self._alive(lambda step=step: self._do(step)):  # type: ignore[misc]
                await self._alive(lambda step=step: asyncio.sleep(step.pause))  # type: ignore[misc]
        while not await self._alive(self.rig.caught_up):
            pass

    async def _alive(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> bool:
        """Do it; False if the process died meanwhile and another one has taken its place."""
        desk = self.rig.desk
        doing = asyncio.create_task(work())
        dying = asyncio.create_task(desk.died.wait())
        await asyncio.wait({doing, dying}, return_when=asyncio.FIRST_COMPLETED)
        if not desk.died.is_set():
            dying.cancel()
            await doing
            return True
        self.deaths += 1
        await self.rig.die()
        await self._alive(self._start)
        return False

    async def _start(self) -> None:
        await self.rig.start()
        self.rig.spool._aside = self._aside
        there = [step for step in self.unsure if await self.rig.desk.look(_shows, step.at)]
        if there:  # and so is everything before it
            del self.unsure[: self.unsure.index(there[-1]) + 1]
        for step in list(self.unsure):
            await self._do(step)

    async def _do(self, step: Step) -> None:
        call, journal = self.calls[step.call], self.rig.journal
        self.rig.clock.at = step.at
        match step.action:
            case Action.BEGIN:
                await journal.begin(call)
            case Action.ENTER:
                call.stage = STAGES[step.at.second % len(STAGES)]
                call.state = {"entered": step.at.isoformat()}
                await journal.enter(call)
            case Action.CHOOSE:
                journal.chose(call, CHOICE)
                return
            case Action.NOTE:
                journal.note(call, "note", same="every time")
                return
            case Action.KEEP:
                call.message = NewRecording(call.id, f"message-{call.id}", "/m", 3.0, "0" * 64)
                await journal.keep_message(call, ticket_of(call))
            case Action.FINISH:
                await journal.finish(call, ticket_of(call) if call.ticket_id is None else None)
        if step in self.unsure:
            del self.unsure[: self.unsure.index(step) + 1]

    async def _aside(self, work: Callable[..., Any], *args: Any) -> Any:
        if self.rig.desk.died.is_set():
            await asyncio.Event().wait()
        does = self.disk.pop(0) if self.disk else Disk.WORKS
        result = None
        if does is Disk.TEARS:
            _tear(self.rig.spool, work, args)
        elif does is not Disk.DIES:
            result = work(*args)
        if does is not Disk.WORKS:
            self.rig.desk.died.set()
            await asyncio.Event().wait()
        return result


def _tear(spool: Spool, work: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """Do half of what the disk was asked for."""
    if work.__name__ == "_write":
        place, data = args
        spool._write(place, data[: len(data) // 2])
    if work.__name__ == "_renew":
        epoch, _ = args
        spool._renew(epoch, FIRST)


def _shows(db: Connection, at: datetime) -> bool:
    """Whether the desk has the record of this moment."""
    moments = (schema.timeline.c.at, schema.calls.c.stage_at)
    return any(db.execute(select(m).where(m == at).limit(1)).first() for m in moments)


def _steps(draw: Callable[..., Any]) -> list[Step]:
    """Each call begins, does something, and ends."""
    plan = draw(
        st.lists(
            st.tuples(
                st.integers(0, 2),
                st.sampled_from([Action.ENTER, Action.CHOOSE, Action.NOTE, Action.KEEP]),
                st.sampled_from([0.0, 0.02, 1.0, 7.0]),
            ),
            min_size=2,
            max_size=14,
        )
    )
    begun: dict[int, None] = {}
    actions: list[tuple[int, Action, float]] = []
    for call, action, pause in plan:
        if call not in begun:
            begun[call] = None
            actions.append((call, Action.BEGIN, 0.0))
        actions.append((call, action, pause))
    actions += [(call, Action.FINISH, draw(st.sampled_from([0.0, 3.0]))) for call in begun]
    return [
        Step(call, action, START + timedelta(seconds=number), pause)
        for number, (call, action, pause) in enumerate(actions, 1)
    ]


@st.composite
def stories(draw: Callable[..., Any]) -> tuple[list[Step], list[Does], list[Disk]]:
    steps = _steps(draw)
    desk = draw(st.lists(st.sampled_from(Does), max_size=25))
    disk = draw(st.lists(st.sampled_from(Disk), max_size=15))
    return steps, desk, disk


def _outcome(
    path: Path, steps: list[Step], script: list[Does], disk: list[Disk]
) -> tuple[dict[str, Any], int]:
    """What the desk holds in the end, and how often the process died."""

    async def play() -> tuple[dict[str, Any], int]:
        desk = FickleDesk(script)
        await desk.look(know_caller)
        story = Story(Rig(desk, path), list(disk))
        await story.play(steps)
        assert story.rig.spool.is_empty or story.rig.spool.fault
        story.disk.clear()
        await story.rig.journal.aclose()
        held = await desk.look(contents)
        desk.close()
        return held, story.deaths

    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        return runner.run(play())


_N, _K = Action.NOTE, Action.KEEP
_PLAIN = [
    Step(0, action, START + timedelta(seconds=number), 0.0)
    for number, action in enumerate((Action.BEGIN, Action.ENTER, _N, _N, _K, Action.FINISH), 1)
]


@given(stories())
@example((_PLAIN, [Does.REFUSES, Does.TAKES_AND_DIES, Does.DIES, Does.TAKES_AND_DIES], []))
@example((_PLAIN, [Does.TAKES_LATE] * 3 + [Does.TAKES_AND_REFUSES] * 3, []))
@example((_PLAIN, [Does.TAKES, Does.REFUSES], [Disk.WORKS] * 2 + [Disk.TEARS] * 2))
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_desk_holds_what_it_would_hold_had_nothing_happened(
    tmp_path_factory: pytest.TempPathFactory,
    story: tuple[list[Step], list[Does], list[Disk]],
) -> None:
    steps, script, disk = story
    folder = tmp_path_factory.mktemp("story")
    undisturbed, _ = _outcome(folder / "undisturbed", steps, [], [])
    disturbed, _ = _outcome(folder / "disturbed", steps, script, disk)
    assert disturbed == undisturbed


@pytest.mark.parametrize("first", [Does.REFUSES, Does.TAKES_AND_REFUSES, Does.TAKES_LATE])
@pytest.mark.parametrize("second", [Does.DIES, Does.TAKES_AND_DIES])
@pytest.mark.parametrize("after", range(4))
def test_process_that_dies_while_it_catches_up_doubles_nothing(
    tmp_path: Path, first: Does, second: Does, after: int
) -> None:
    script = [Does.TAKES] * after + [first, second, second]
    undisturbed, _ = _outcome(tmp_path / "undisturbed", _PLAIN, [], [])
    disturbed, deaths = _outcome(tmp_path / "disturbed", _PLAIN, script, [])
    assert deaths == 2
    assert disturbed == undisturbed
