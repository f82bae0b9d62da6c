"""Does every call that only Asterisk knows become one ticket, whatever dies at whichever moment?"""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ari_app.calls.recovery import reconcile, sources
from ari_app.calls.recovery.filing import file_call
from ari_app.calls.recovery.sources import Progress
from desk import journal, timeline
from desk.errors import DatabaseUnavailable
from desk.recordings import StoreFull
from stt.wav import probe
from tests.ari_app.calls.recovery.world import LINE, TIANJIN_NUMBER, World, call_id
from tests.rig.recordings import wav
from tests.rig.samples import NOW


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def test_a_message_taken_while_we_were_down_is_a_ticket_with_that_recording(world: World):
    ident = world.fallback(1)
    done = await world.once()
    assert (done.tickets, done.messages, done.waiting, world.told) == (1, 1, 0, 1)
    (ticket,) = await world.tickets()
    assert (ticket.call_id, ticket.type, ticket.subject) == (ident, "message", "天津 留言")
    assert ticket.caller.e164 == "+862253456789"
    assert ticket.labels == ("地区:天津", "阶段:系统离线应答")
    call = await world.call(ident)
    assert (call.dialled, call.caller_id, call.ticket_id) == (LINE, TIANJIN_NUMBER, ticket.id)
    assert (call.stage, call.cause) == ("fallback", "dialplan")
    assert (call.received_at, call.ended_at) == (
        NOW.replace(microsecond=0),
        NOW.replace(microsecond=0) + timedelta(seconds=40),
    )
    (recording,) = await world.recordings(ident)
    assert (recording.kind, recording.state, recording.seconds) == ("message", "recorded", 2.0)
    world.store.verify(recording)
    assert not list(world.sources.messages.iterdir())


async def test_each_call_has_its_own_ticket_and_callers_who_gave_up_have_one_too(world: World):
    spoke = world.fallback(1)
    silent = world.received(2, "13800138000")
    world.note(f"fallback,{int(NOW.timestamp())},{silent}")
    world.ended(silent)
    gave_up = world.received(3, "anonymous")
    world.ended(gave_up, cause=127)
    killed = world.received(4)  # Asterisk died with it: no end
    await world.once()
    found = {ticket.call_id: ticket for ticket in await world.tickets()}
    assert set(found) == {spoke, silent, gave_up, killed}
    assert {ident: ticket.type for ident, ticket in found.items()} == {
        spoke: "message",
        silent: "abandoned",
        gave_up: "abandoned",
        killed: "abandoned",
    }
    assert "阶段:未进入系统" in found[gave_up].labels
    causes = [(await world.call(ident)).cause for ident in (spoke, silent, gave_up, killed)]
    assert causes == ["dialplan", "dialplan", "missed", "lost"]


async def test_a_silence_is_no_message_but_its_caller_has_a_ticket(world: World):
    ident = world.fallback(1)
    world.message(ident, wav(6.0)[:44] + bytes(6 * 16_000))
    done = await world.once()
    assert (done.tickets, done.messages) == (1, 0)
    (ticket,) = await world.tickets()
    assert (ticket.call_id, ticket.type) == (ident, "abandoned")
    assert await world.recordings(ident) == []
    assert not list(world.sources.messages.iterdir())


async def test_calls_that_the_line_has_served_are_left_as_they_are(world: World):
    ident = world.received(1)
    world.ended(ident)
    await world.begun(ident, over=True)
    before = await world.kinds(ident)
    done = await world.once()
    assert (done.tickets, done.waiting) == (0, 0)
    assert await world.kinds(ident) == before
    assert await world.tickets() == []


async def test_a_message_of_a_call_that_we_lost_to_the_dialplan_joins_that_call(world: World):
    """We were frozen, the lease ran out; thawed, we saw the caller leave and ended the call."""
    ident = world.fallback(1)
    await world.begun(ident, over=True)
    await world.chose(ident, "repair", "报修")
    await world.once()
    (ticket,) = await world.tickets()
    assert (ticket.type, ticket.subject) == ("repair", "天津 报修")
    call = await world.call(ident)
    assert (call.stage, call.cause) == ("menu", "hangup")  # what we knew stays
    assert len(await world.recordings(ident)) == 1
    world.message(ident)  # whatever comes again comes to the same ticket
    await world.once()
    assert len(await world.tickets()) == len(await world.recordings(ident)) == 1


async def test_a_call_in_the_journal_that_nobody_serves_any_more_is_ended(world: World):
    ident = world.fallback(1)
    await world.begun(ident, "queue")
    await world.once()
    call = await world.call(ident)
    assert (call.stage, call.cause) == ("queue", "dialplan")
    assert call.ticket_id == (await world.tickets())[0].id


async def test_only_calls_that_are_over_become_tickets(world: World):
    in_the_dialplan, being_served, just_ended = (
        world.received(1),
        world.received(2),
        world.received(3),
    )
    world.message(in_the_dialplan, wav(1.0)[:8000])
    world.ended(just_ended, seconds=3600)
    world.present, world.live = {in_the_dialplan}, {being_served}
    done = await world.once()
    assert (done.tickets, done.waiting) == (0, 3)
    assert (world.sources.messages / f"{in_the_dialplan}.wav").exists()
    world.present, world.live = set(), set()
    world.now += timedelta(minutes=1)
    done = await world.once()  # by another process, which has only what was kept
    assert (done.tickets, done.waiting) == (3, 0)


async def test_nothing_is_filed_while_records_of_calls_wait_for_the_desk(world: World):
    world.fallback(1)
    world.settled = False
    assert (await world.once()).waiting == 1
    world.settled = True
    assert (await world.once()).tickets == 1


async def test_a_call_without_a_note_is_found_in_the_call_records(world: World):
    """The disk was full when the note was to be written."""
    ident = call_id(1)
    world.record(ident)
    world.record(ident, context="huisheng-fallback")
    world.record("c-0123456789-1", linked=ident, context="agents")
    world.record("s-0123456789-1", context="default")
    world.record("huisheng-1.99", context="huisheng-agents")
    await world.once()
    (ticket,) = await world.tickets()
    call = await world.call(ident)
    assert (call.dialled, call.caller_id, call.stage) == (LINE, TIANJIN_NUMBER, "fallback")
    assert call.received_at == NOW.replace(microsecond=0)
    assert ticket.call_id == ident


async def test_a_message_that_nothing_else_tells_of_is_not_lost(world: World):
    world.message("huisheng-1.5")
    await world.once()
    (ticket,) = await world.tickets()
    assert (ticket.type, ticket.call_id) == ("message", "huisheng-1.5")
    assert len(await world.recordings("huisheng-1.5")) == 1


async def test_a_message_of_a_killed_asterisk_can_be_played(world: World):
    ident = world.received(1)
    audio = wav(2.0)
    world.message(ident, audio[:40] + bytes(4) + audio[44:])
    await world.once()
    (recording,) = await world.recordings(ident)
    assert probe(world.store.locate(recording)).repaired is False
    assert recording.seconds == 2.0
    assert world.store.locate(recording).read_bytes()[40:44] != bytes(4)


@pytest.mark.parametrize("audio", [b"", wav(0.0)])
async def test_silence_is_no_recording_but_a_ticket_all_the_same(world: World, audio: bytes):
    ident = world.received(1)
    world.message(ident, audio)
    await world.once()
    assert await world.recordings(ident) == []
    (ticket,) = await world.tickets()
    assert ticket.type == "abandoned"
    assert not list(world.sources.messages.iterdir())


async def test_a_file_that_is_no_sound_is_put_aside_and_costs_no_ticket(world: World):
    ident = world.received(1)
    world.message(ident, b"x" * 1000)
    await world.once()
    assert [path.name for path in world.sources.messages.iterdir()] == [f"{ident}.wav.damaged"]
    assert len(await world.tickets()) == 1
    assert (await world.once()).tickets == 0


async def test_a_full_disk_and_an_absent_desk_keep_nobody_else_waiting(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    first, second = world.fallback(1), world.fallback(2)
    keep = world.store.keep

    def full(name: str, source: Any) -> Any:
        if first in name:
            raise StoreFull(name, world.folder)
        return keep(name, source)

    monkeypatch.setattr(world.store, "keep", full)
    done = await world.once()
    assert (done.tickets, done.failed) == (1, 1)
    assert [ticket.call_id for ticket in await world.tickets()] == [second]
    world.db.failure = DatabaseUnavailable("away")
    with pytest.raises(DatabaseUnavailable):
        await world.once()
    world.db.failure = None
    monkeypatch.undo()
    assert (await world.once()).tickets == 1
    assert len(await world.tickets()) == 2


async def test_one_call_that_cannot_be_filed_keeps_no_other_waiting(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    poison, other = world.fallback(1), world.fallback(2)

    def fails(db: Any, evidence: Any, *rest: Any) -> Any:
        if evidence.id == poison:
            raise RuntimeError("a fault of ours")
        return file_call(db, evidence, *rest)

    monkeypatch.setattr(reconcile, "file_call", fails)
    assert (await world.once()).failed == 1
    assert [ticket.call_id for ticket in await world.tickets()] == [other]
    monkeypatch.undo()
    assert (await world.once()).tickets == 1


HOSTILE = [
    "received,99999999999,huisheng-1.1,4001234567,x,y",
    "received,0,../../etc/passwd,4001234567,x,y",
    "received,1,a/b,4001234567,x,y",
    f"received,1,{'x' * 500},4001234567,x,y",
    f"received,1795307695,huisheng-9.9,{'9' * 5000},x,{'%00' * 60}",
    "received,1795307695,huisheng-9.8,4001234567,x,%FF%FE%0Aended",
    "ended,1795307695,,16",
    "message,1795307695,huisheng-9.7,../../../etc/shadow",
    "\x00\x01\x02",
    "received,1795307695,huisheng-9.6,4001234567,PJSIP%2Fx,\ud800".encode(
        errors="surrogatepass"
    ).decode(errors="replace"),
]


async def test_hostile_lines_hurt_nobody(world: World):
    world.note(*HOSTILE)
    outside = world.folder.parent / "outside.wav"
    outside.write_bytes(wav(1.0))
    (world.sources.messages / "link.wav").symlink_to(outside)
    (world.sources.messages / ".wav").write_bytes(wav(1.0))
    (world.sources.messages / "folder.wav").mkdir()
    ident = world.fallback(1)
    await world.once()
    world.now += timedelta(minutes=1)
    await world.once()
    assert outside.exists()
    found = {ticket.call_id for ticket in await world.tickets()}
    assert ident in found
    assert found == {ident, "huisheng-1.1", *(f"huisheng-9.{n}" for n in (9, 8, 7, 6))}
    for ticket in await world.tickets():
        assert ticket.call_id is not None
        assert (await world.call(ticket.call_id)).received_at <= world.now
    assert (await world.db.read(timeline.verify)).flaws == ()


@given(st.binary(max_size=300), st.binary(max_size=300))
@settings(max_examples=60, deadline=None)
def test_garbage_in_every_file_is_never_an_error(notes: bytes, records: bytes):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        world.sources.notes.write_bytes(notes)
        assert world.sources.call_records is not None
        world.sources.call_records.write_bytes(records)
        sources.gather(world.sources, Progress(), NOW)


async def test_what_was_taken_in_is_not_read_again_and_the_files_stay_small(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sources, "MOST_BYTES", 2000)
    for number in range(200):
        world.fallback(number)
        world.record(call_id(number))
        if number % 5 == 0:
            await world.once()
        assert world.sources.notes.exists() is False or world.sources.notes.stat().st_size < 6000
    await world.once()
    assert len(await world.tickets()) == 200
    kept = json.loads((world.folder / "progress").read_bytes())
    assert kept["calls"] == {}
    assert sum(path.stat().st_size for path in world.folder.glob("c*.csv*")) < 20_000


async def test_ticket_of_a_call_that_nobody_ended_says_how_far_the_caller_came(world: World):
    """Its wrap-up has failed, say: we have served it, and it is not "never reached"."""
    stages = {"queue": "排队", "menu": "语音菜单", "talk": "通话"}
    for number, stage in enumerate(stages, 1):
        ident = world.received(number)
        await world.begun(ident, stage)
        world.ended(ident)
    await world.once()
    for ticket, (number, stage) in zip(await world.tickets(), enumerate(stages, 1), strict=True):
        call = await world.call(call_id(number))
        assert ticket.call_id == call.id
        assert ticket.labels == ("地区:天津", f"阶段:{stages[stage]}")
        assert (call.stage, call.cause) == (stage, "hangup")


async def test_call_that_asterisk_died_with_is_lost_and_one_that_the_dialplan_served_is_not(
    world: World,
):
    lost, served = world.received(1), world.fallback(2)
    for ident in (lost, served):
        await world.begun(ident, "menu")
    await world.once()
    assert [(await world.call(ident)).cause for ident in (lost, served)] == ["lost", "dialplan"]


async def test_call_whose_recordings_are_still_to_be_kept_is_left_to_its_wrap_up(world: World):
    ident = world.received(1)
    await world.begun(ident, "talk", state={"recordings": [{"name": "party-1"}]})
    world.ended(ident)
    for _ in range(3):
        assert (await world.once()).waiting == 1
    (ticket,) = await world.tickets()
    call = await world.call(ident)
    assert (call.ended_at, call.ticket_id) == (None, ticket.id)
    assert (await world.kinds(ident)).count("call.reconciled") == 1
    await world.db.write(journal.end, ident, "hangup", NOW)
    assert (await world.once()).waiting == 0


async def test_what_is_noted_is_known_before_anything_is_filed(world: World):
    ident = world.fallback(1)
    reconciler = world.reconciler()
    noted = await reconciler.noted()
    assert noted[ident].fallback
    assert noted[ident].ended_at is not None
    assert await world.tickets() == []
    assert (await reconciler.once()).tickets == 1
    assert await reconciler.noted() == {}
