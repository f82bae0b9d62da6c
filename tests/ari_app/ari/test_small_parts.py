"""Back-off, ids, the inbox: small rules that others lean on."""

import asyncio
import itertools

import pytest

from ari_app.ari import ApplicationReplaced, Closed, new_id
from ari_app.ari.backoff import delays
from ari_app.ari.inbox import Inbox
from ari_app.ari.reconcile import difference


def test_waits_double_up_to_the_most_and_jitter_only_shortens_them() -> None:
    whole = list(itertools.islice(delays(0.1, 1, draw=lambda: 0.0), 6))
    assert whole == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.0, 1.0])
    half = list(itertools.islice(delays(0.1, 1, draw=lambda: 0.999999), 3))
    assert half == pytest.approx([0.05, 0.1, 0.2], rel=1e-3)


def test_ids_of_two_kinds_can_never_be_equal() -> None:
    assert new_id("b").startswith("b-")
    assert new_id("c").startswith("c-")
    assert new_id("p") != new_id("p")


def test_what_is_gone_and_what_is_new() -> None:
    assert difference({"a", "b"}, ["b", "c"]) == ({"a"}, {"c"})


async def test_an_inbox_refuses_what_does_not_fit_and_ends_with_its_reason() -> None:
    inbox: Inbox[int] = Inbox(2)
    assert [inbox.put(n) for n in (1, 2, 3)] == [True, True, False]
    inbox.end(Closed("closed"))
    assert [n async for n in inbox] == [1, 2]
    lost: Inbox[int] = Inbox(2)
    waiting = asyncio.create_task(anext(lost))
    await asyncio.sleep(0)
    lost.end(ApplicationReplaced("taken"))
    with pytest.raises(ApplicationReplaced):
        await waiting
