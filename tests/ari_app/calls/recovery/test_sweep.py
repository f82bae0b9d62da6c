"""Is everything removed that a dead process left in a real Asterisk, and nothing else?"""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from ari_app.ari import Client, StasisStart, instant, new_id
from ari_app.calls.recovery.sweep import EMPTY_AGE, sweep
from asterisk_conf.server import AsteriskServer
from tests.ari_app.ari.real import clear, one
from tests.rig.asterisk import LINE_NUMBER

pytestmark = pytest.mark.asterisk

DEAD = "00000000aa"  # the part of an id that says which process chose it


def client(asterisk: AsteriskServer, application: str) -> Client:
    return Client(
        url=asterisk.ari_url,
        username="huisheng",
        password=asterisk.secrets.ari,
        application=application,
    )


@pytest.fixture
async def line(asterisk: AsteriskServer) -> AsyncIterator[Client]:
    async with client(asterisk, asterisk.pbx.application) as ari:
        yield ari
        await clear(ari)


@pytest.fixture
async def other(asterisk: AsteriskServer) -> AsyncIterator[Client]:
    async with client(asterisk, "another") as ari:
        yield ari


async def channel(ari: Client, ident: str) -> str:
    """A channel of that application with that id."""
    with ari.listen(StasisStart, channels=[ident]) as events:
        await ari.channels.originate("Local/*43@agents/n", channel_id=ident)
        assert await events.get(5) is not None
    return ident


async def tapped(ari: Client, of: str, process: str, number: int) -> tuple[str, str, str]:
    """A tap as a talk makes it: a snoop in a recorded bridge, a media channel on its way there."""
    snoop, media, bridge = (f"{kind}-{process}-{number:x}" for kind in "smb")
    with ari.listen(StasisStart, channels=[snoop]) as events:
        await ari.channel(of).snoop(spy="in", snoop_id=snoop)
        await one(events)
    await ari.channels.external_media(
        external_host="INCOMING",
        format="slin",
        channel_id=media,
        transport="websocket",
        encapsulation="none",
        connection_type="server",
    )
    await ari.bridges.create(bridge_id=bridge)
    await ari.bridge(bridge).add_channel(snoop)
    await ari.bridge(bridge).record(f"party-{number}", if_exists="overwrite")
    return snoop, media, bridge


async def ids(ari: Client) -> set[str]:
    await asyncio.sleep(0.2)  # a hang-up is done a moment after it is answered
    return {c.id for c in await ari.channels.list()} | {b.id for b in await ari.bridges.list()}


async def test_what_a_dead_process_left_goes_and_what_calls_own_stays(line: Client, other: Client):
    async with asyncio.timeout(30):
        caller = await other.channels.originate(f"Local/{LINE_NUMBER}@from-trunk/n")
        ours = (await anext(line.arrivals())).channel.id
        await line.channel(ours).answer()
        orphan_leg = await channel(line, f"c-{DEAD}-1")
        owned_leg = await channel(line, f"c-{DEAD}-2")
        own_leg = await channel(line, new_id("c"))
        orphans = {orphan_leg, *await tapped(line, ours, DEAD, 3)}
        owned = await tapped(line, owned_leg, DEAD, 4)
        talk = f"b-{DEAD}-5"
        await line.bridges.create(bridge_id=talk)
        await line.bridge(talk).add_channel(ours, owned_leg)
        unowned_talk = f"b-{DEAD}-6"  # but a caller is in it: not for a sweep to decide
        await line.bridges.create(bridge_id=unowned_talk)
        strangers = await channel(other, f"c-{DEAD}-7")
        await line.bridge(unowned_talk).add_channel(own_leg)
        before = await ids(line)
        swept = await sweep(line, channels=[owned_leg, *owned[:2]], bridges=[talk, owned[2]])
        after = await ids(line)
        assert set(swept) == orphans
        # A snoop goes with the next sound of the channel that it spies on, or with its end.
        halves = {f"{orphan_leg};2"}  # of a Local channel
        assert before - after == (orphans | halves) - {f"s-{DEAD}-3"}
        assert {ours, owned_leg, own_leg, strangers, talk, unowned_talk, *owned} <= after
        assert await sweep(line, channels=[owned_leg, *owned[:2]], bridges=[talk, owned[2]]) == ()
        # What was recorded is not lost with the bridge that was recorded.
        assert (await line.recordings.stored("party-3").file())[:4] == b"RIFF"
        await caller.hangup()
        assert f"s-{DEAD}-3" not in await ids(line)


async def test_an_empty_bridge_goes_once_it_is_old_or_says_whose_it_is(line: Client):
    await line.bridges.create(bridge_id=f"b-{DEAD}-1")
    await line.bridges.create(bridge_id=f"b-{DEAD}-2", name=line.application)
    await line.bridges.create(bridge_id=f"b-{DEAD}-3", name="another")
    await line.bridges.create(bridge_id="bridge-of-somebody")
    (young,) = [b for b in await line.bridges.list() if b.id == f"b-{DEAD}-1"]
    made = instant(young.creationtime)
    swept = await sweep(line, channels=(), bridges=(), now=made + timedelta(seconds=1))
    assert swept == (f"b-{DEAD}-2",)
    swept = await sweep(line, channels=(), bridges=(), now=made + EMPTY_AGE * 2)
    assert swept == (f"b-{DEAD}-1",)


async def test_what_vanishes_during_the_sweep_is_no_error(line: Client):
    for number in range(1, 6):
        leg = await channel(line, f"c-{DEAD}-{number}")
        await line.bridges.create(bridge_id=f"b-{DEAD}-{number}")
        await line.bridge(f"b-{DEAD}-{number}").add_channel(leg)
    swept = await asyncio.gather(
        *(sweep(line, channels=(), bridges=()) for _ in range(2)),
        line.channel(f"c-{DEAD}-5").hangup(),
        return_exceptions=True,
    )
    assert not [s for s in swept[:2] if isinstance(s, BaseException)]
    assert {i for i in await ids(line) if DEAD in i} <= {f"b-{DEAD}-5"}  # it was empty already
