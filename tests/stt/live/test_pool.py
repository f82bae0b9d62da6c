"""The machine hears as many as it can, says so when it is full, and outlives a stuck recogniser."""

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest

from benchmarks.speech_load.slowed import Slowed
from stt.live import LivePool, LiveStream, Why
from stt.live.pool import LOOKS, REST_SECONDS
from tests.stt.live.conftest import KEY
from tests.stt.live.engines import RATE, SECONDS, Clock, Script, feed


def opened(pool: LivePool, number: int) -> list[LiveStream]:
    return [stream for _ in range(number) if (stream := pool.open(KEY, RATE)) is not None]


async def test_two_threads_hear_six_of_forty_with_a_large_models_cost(script: Script) -> None:
    async with LivePool({KEY: Slowed(script, 0.3)}, threads=2) as pool:
        assert pool.cost(KEY) == pytest.approx(0.3, rel=0.05)
        heard = opened(pool, 40)
        assert len(heard) == pool.streams == 6
        assert pool.refused == 34
        assert pool.idle_share == pytest.approx(0.1, abs=0.05)
        heard[0].give_up()
        assert len(opened(pool, 2)) == 1


async def test_operator_may_allow_fewer(script: Script) -> None:
    async with LivePool({KEY: script}, threads=2, most_streams=3) as pool:
        assert len(opened(pool, 5)) == 3


async def test_party_that_has_left_makes_room(script: Script) -> None:
    async with LivePool({KEY: script}, threads=1, most_streams=1) as pool:
        (first,) = opened(pool, 2)
        assert (await first.finish(SECONDS)).complete
        assert len(opened(pool, 1)) == 1


async def test_pool_that_does_not_run_refuses(script: Script) -> None:
    pool = LivePool({KEY: script}, threads=1)
    assert pool.open(KEY, RATE) is None
    async with pool:
        await pool.start()
        (stream,) = opened(pool, 1)
    assert pool.open(KEY, RATE) is None
    assert (await stream.finish(SECONDS)).why is Why.STOPPED


async def test_closing_leaves_no_thread_and_no_task(script: Script) -> None:
    before = set(threading.enumerate())
    tasks = asyncio.all_tasks()
    async with LivePool({KEY: script}, threads=3) as pool:
        (stream,) = opened(pool, 1)
        feed(stream, "a" * 20)
    left = [one for one in set(threading.enumerate()) - before if one.name.startswith("stt")]
    assert left == []
    assert asyncio.all_tasks() == tasks
    assert all(session.closed for session in script.opened)


async def test_engine_that_failed_rests_and_is_then_tried_again(
    pool: LivePool, script: Script, clock: Clock
) -> None:
    """A server that is gone must not cost every caller its time-out."""
    (stream,) = opened(pool, 1)
    script.fails = fail_at("open")
    feed(stream, "a")
    assert (await stream.finish(SECONDS)).why is Why.ENGINE
    assert opened(pool, 1) == []
    script.fails = lambda _: None
    clock.now += REST_SECONDS
    (again,) = opened(pool, 1)
    feed(again, "b")
    assert (await again.finish(SECONDS)).complete


async def test_engine_that_is_down_at_the_start_stops_nothing(script: Script, clock: Clock) -> None:
    script.fails = fail_at("open")
    async with LivePool({KEY: script, "other": Script()}, threads=1, clock=clock) as pool:
        assert pool.open(KEY, RATE) is None
        assert pool.open("other", RATE) is not None
        script.fails = lambda _: None
        clock.now += REST_SECONDS
        assert pool.open(KEY, RATE) is not None


def fail_at(where: str) -> Callable[[str], None]:
    def fail(at: str) -> None:
        if at == where:
            raise RuntimeError(where)

    return fail


class Stuck(Script):
    """Comes back from `accept` only when the test ends; other streams are heard."""

    def __init__(self) -> None:
        super().__init__()
        self.stuck = threading.Event()
        self.end = threading.Event()
        self.armed = False

    def hang(self, at: str) -> None:
        if at == "accept" and self.armed:
            self.armed = False
            self.stuck.set()
            self.end.wait(SECONDS)


@pytest.fixture
def stuck() -> Iterator[Stuck]:
    engine = Stuck()
    engine.fails = engine.hang
    yield engine
    engine.end.set()


async def hang_one(pool: LivePool, engine: Stuck) -> LiveStream:
    (stream,) = opened(pool, 1)
    engine.armed = True
    engine.stuck.clear()
    feed(stream, "a")
    assert await asyncio.to_thread(engine.stuck.wait, SECONDS)
    return stream


async def test_recogniser_that_never_comes_back_costs_its_stream_alone(stuck: Stuck) -> None:
    async with LivePool({KEY: stuck}, threads=1, stall_seconds=60) as pool:
        lost = await hang_one(pool, stuck)
        (other,) = opened(pool, 1)
        feed(other, "b")
        for _ in range(LOOKS):
            pool.look()
            assert not lost.why  # not yet
        pool.look()
        assert lost.why is Why.STALLED
        assert (await other.finish(SECONDS)).complete
        assert (await lost.finish(SECONDS)).utterances == ()
        assert pool.capacity > 0.9


async def test_busy_recogniser_is_not_taken_for_a_stuck_one(pool: LivePool, script: Script) -> None:
    (stream,) = opened(pool, 1)
    for _ in range(2 * LOOKS):
        feed(stream, "a")
        await asyncio.to_thread(script.wait_entered)
        pool.look()
    assert (await stream.finish(SECONDS)).complete


async def test_pool_finds_a_stuck_thread_by_itself(stuck: Stuck) -> None:
    gave_up = asyncio.Event()
    async with LivePool({KEY: stuck}, threads=1, stall_seconds=0.1) as pool:
        stream = pool.open(KEY, RATE, on_gave_up=lambda _: gave_up.set())
        assert stream is not None
        stuck.armed = True
        feed(stream, "a")
        async with asyncio.timeout(SECONDS):
            await gave_up.wait()
        assert stream.why is Why.STALLED


async def test_threads_are_replaced_only_so_often_and_come_back(stuck: Stuck) -> None:
    """An engine that always hangs must not fill the machine with threads."""
    async with LivePool({KEY: stuck}, threads=1, stall_seconds=60) as pool:
        for _ in range(3):
            await hang_one(pool, stuck)
            for _ in range(LOOKS + 1):
                pool.look()
        assert pool.capacity == 0
        assert opened(pool, 1) == []
        stuck.end.set()
        async with asyncio.timeout(SECONDS):
            while not pool.capacity:
                await asyncio.sleep(0)
                pool.look()
        (stream,) = opened(pool, 1)
        feed(stream, "b")
        assert (await stream.finish(SECONDS)).complete


async def test_closing_does_not_wait_for_a_stuck_thread(
    stuck: Stuck, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stt.live.pool.STOP_SECONDS", 0.05)
    async with asyncio.timeout(SECONDS), LivePool({KEY: stuck}, threads=2) as pool:
        stream = await hang_one(pool, stuck)
    assert stream.why is Why.STOPPED


async def test_events_go_on_while_a_large_model_works(script: Script) -> None:
    """The loop that answers calls turns on while every thread is busy."""
    async with LivePool({KEY: Slowed(script, 0.4)}, threads=2) as pool:
        (first, second) = opened(pool, 2)
        feed(first, "a" * 25)
        feed(second, "b" * 25)
        done = asyncio.gather(first.finish(SECONDS), second.finish(SECONDS))
        turns = 0
        while not done.done():
            await asyncio.sleep(0)
            turns += 1
        assert all(outcome.complete for outcome in await done)
    assert turns > 100
