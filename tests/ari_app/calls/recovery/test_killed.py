"""Does a reconciliation that is killed at any step leave exactly one ticket per call in the end?"""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ari_app.calls.recovery import reconcile, sources
from desk import timeline
from tests.ari_app.calls.recovery.world import World


class Killed(BaseException):
    """The process is gone at this point."""


def killing(monkeypatch: pytest.MonkeyPatch, world: World) -> Callable[[int], Callable[[], int]]:
    """Dies at the n-th step, a step being each effect's beginning and its end."""
    steps = itertools.count(1)
    at = [0]

    def mortal(effect: Any) -> Any:
        def run(*args: Any, **kwargs: Any) -> Any:
            if next(steps) == at[0]:
                raise Killed
            result = effect(*args, **kwargs)
            if next(steps) == at[0]:
                raise Killed
            return result

        return run

    for module, name in (
        (reconcile, "load"),
        (reconcile, "gather"),
        (reconcile, "file_call"),
        (reconcile, "ended"),
        (reconcile, "save"),
        (reconcile, "shorten"),
        (sources, "write_private"),
        (sources, "rotate"),
    ):
        monkeypatch.setattr(module, name, mortal(getattr(module, name)))
    monkeypatch.setattr(Path, "unlink", mortal(Path.unlink))
    monkeypatch.setattr(Path, "replace", mortal(Path.replace))
    monkeypatch.setattr(world.store, "keep", mortal(world.store.keep))
    commit = world.db.write

    async def write(work: Any, *args: Any, **kwargs: Any) -> Any:
        result = await commit(work, *args, **kwargs)
        if next(steps) == at[0]:
            raise Killed
        return result

    monkeypatch.setattr(world.db, "write", write)

    def arm(step: int) -> Callable[[], int]:
        nonlocal steps
        steps, at[0] = itertools.count(1), step
        return lambda: next(steps) - 1

    return arm


async def test_killed_at_any_step_it_opens_exactly_one_ticket_per_call_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sources, "MOST_BYTES", 100)  # files are put aside every time
    died = 0
    for step in itertools.count(1):
        (folder := tmp_path / str(step)).mkdir()
        world = World(folder)
        with monkeypatch.context() as patch:
            arm = killing(patch, world)
            ours, known, silent = world.fallback(1), world.fallback(2), world.received(3)
            world.ended(silent)
            try:
                await world.begun(known, over=True)
                arm(step)
                await world.once()
                alive = True
            except Killed:
                alive = False
                died += 1
        late = world.fallback(4)
        while (await world.once()).tickets:
            pass
        tickets = await world.tickets()
        assert sorted(str(ticket.call_id) for ticket in tickets) == sorted(
            [ours, known, silent, late]
        ), step
        for ident in (ours, known, late):
            assert len(await world.recordings(ident)) == 1
            assert (await world.kinds(ident)).count("call.reconciled") == 1
        for ident in (ours, known, silent, late):
            assert (await world.call(ident)).ended_at is not None
        assert not list(world.sources.messages.iterdir())
        assert (await world.db.read(timeline.verify)).flaws == ()
        if alive:
            break
    assert died > 30
