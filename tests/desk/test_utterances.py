"""What was said is kept once, in order, honestly marked, and can be erased for good."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from desk import recordings, timeline, utterances
from desk.db.engine import Database
from desk.db.prepared import Prepared
from desk.errors import NoSuchCall
from desk.recordings import NewRecording
from desk.utterances import NewUtterance
from desk.utterances import utterance as keeping
from tests.rig.samples import NOW, begin, call_with_ticket, count

WORDS = [{"text": "冰箱", "start": 1.5, "end": 1.9, "confidence": 0.98}]


def said(
    number: int, words: str, *, leg: str = "c1", second: float = 0.0, live: bool = True
) -> NewUtterance:
    return NewUtterance(
        call_id="c1",
        leg=leg,
        number=number,
        party="caller" if leg == "c1" else "agent:8001",
        at=NOW + timedelta(seconds=second),
        start=second,
        end=second + 1.25,
        text=words,
        words=WORDS,
        confidence=0.875,
        engine="vosk small",
        live=live,
    )


async def test_both_parties_are_read_in_the_order_in_which_they_spoke(db: Database) -> None:
    await db.write(begin)
    heard = [
        said(0, "您好", leg="a1", second=1),
        said(0, "我家冰箱坏了", second=3),
        said(1, "请问订单号", leg="a1", second=6.5),
        said(1, "一二三四", second=9),
    ]
    for utterance in reversed(heard):
        assert await db.write(utterances.add, utterance, NOW)
    assert await db.read(utterances.transcript, "c1") == heard
    assert await db.read(utterances.transcript, "c2") == []


async def test_an_utterance_is_told_on_the_tickets_timeline_as_the_partys_own(
    db: Database,
) -> None:
    ticket = await db.write(call_with_ticket)
    await db.write(utterances.add, said(0, "您好", leg="a1", second=1.5), NOW)
    [entry] = await db.read(timeline.entries_after, 2, 10, ticket_id=ticket.id)
    assert (entry.kind, entry.call_id, entry.actor) == ("utterance.added", "c1", "agent:8001")
    assert entry.body == {
        "leg": "a1",
        "number": 0,
        "party": "agent:8001",
        "at": "2026-11-22T01:02:04.956789+00:00",
        "start": 1.5,
        "end": 2.75,
        "text": "您好",
        "confidence": 0.875,
        "engine": "vosk small",
        "live": True,
    }


async def test_a_replayed_utterance_is_kept_once(db: Database) -> None:
    await db.write(begin)
    kept = await asyncio.gather(*(db.write(utterances.add, said(0, "您好"), NOW) for _ in range(5)))
    assert sorted(kept) == [False] * 4 + [True]
    assert not await db.write(utterances.add, said(0, "另一个"), NOW)
    assert [u.text for u in await db.read(utterances.transcript, "c1")] == ["您好"]
    assert await db.read(count, "timeline") == 2


async def test_who_takes_a_call_over_goes_on_with_the_next_number(db: Database) -> None:
    await db.write(begin)
    assert await db.read(utterances.next_number, "c1", "c1") == 0
    for number in (0, 1, 5):
        await db.write(utterances.add, said(number, "x"), NOW)
    assert await db.read(utterances.next_number, "c1", "c1") == 6
    assert await db.read(utterances.next_number, "c1", "a1") == 0


async def test_a_leg_transcribed_afterwards_says_so_and_leaves_the_other_alone(
    db: Database,
) -> None:
    await db.write(begin)
    agent = said(0, "您好", leg="a1", second=1)
    for utterance in (agent, said(0, "我家冰", second=2)):
        await db.write(utterances.add, utterance, NOW)
    better = [said(0, "我家冰箱坏了", second=2), said(1, "订单一二三", second=5)]
    assert await db.write(utterances.replace, "c1", "c1", better, NOW)
    assert await db.read(utterances.transcript, "c1") == [
        agent,
        *(replace(utterance, live=False) for utterance in better),
    ]
    [*_, live, replaced] = await db.read(timeline.entries_after, 0, 10)
    assert live.body is not None
    assert live.body["text"] == "我家冰", "history still tells what was heard at first"
    assert replaced.kind == "transcript.replaced"
    assert replaced.body == {
        "leg": "c1",
        "party": "caller",
        "before": 1,
        "after": 2,
        "text": "我家冰箱坏了\n订单一二三",
        "engine": "vosk small",
    }
    assert not await db.write(utterances.replace, "c1", "c1", better, NOW), "the same again"
    assert await db.read(count, "timeline") == 4


async def test_a_call_that_was_never_heard_live_gets_its_transcript_afterwards(
    db: Database,
) -> None:
    await db.write(begin)
    await db.write(utterances.replace, "c1", "c1", [said(0, "您好")], NOW)
    [utterance] = await db.read(utterances.transcript, "c1")
    assert not utterance.live
    assert await db.write(utterances.replace, "c1", "c1", [], NOW)
    assert await db.read(utterances.transcript, "c1") == []
    assert not await db.write(utterances.replace, "c1", "c1", [], NOW)


async def test_a_late_live_utterance_does_not_double_what_the_recording_told(
    db: Database,
) -> None:
    await db.write(begin)
    await db.write(utterances.replace, "c1", "c1", [said(0, "我家冰箱坏了")], NOW)
    assert not await db.write(utterances.add, said(7, "冰箱坏了"), NOW)
    assert await db.write(utterances.add, said(0, "您好", leg="a1"), NOW), "another leg"
    assert len(await db.read(utterances.transcript, "c1")) == 2


async def test_the_hundredth_word_of_a_leg_costs_no_more_than_the_first(tmp_path: Path) -> None:
    async with await Database.open(f"sqlite:///{tmp_path / 'desk.db'}") as db:
        await db.write(begin)
        await db.write(utterances.add, said(0, "您好"), NOW)
        [insert] = [
            prepared for prepared in vars(keeping).values()
            if isinstance(prepared, Prepared) and "INSERT" in prepared.sql
        ]  # fmt: skip
        plan = await db.read(
            lambda connection: connection.exec_driver_sql(
                f"EXPLAIN QUERY PLAN {insert.sql}", keeping.row_of(said(1, "x"))
            ).all()
        )
    assert "ix_utterances_afterwards" in str(plan)


async def test_adding_and_replacing_at_once_leaves_one_transcript(db: Database) -> None:
    await db.write(begin)
    better = [said(number, f"better {number}", second=number) for number in range(10)]
    await asyncio.gather(
        *(db.write(utterances.add, said(n, f"live {n}", second=n), NOW) for n in range(10)),
        db.write(utterances.replace, "c1", "c1", better, NOW),
        *(db.write(utterances.add, said(n, f"live {n}", second=n), NOW) for n in range(10, 20)),
    )
    found = [utterance.text for utterance in await db.read(utterances.transcript, "c1")]
    assert found == [utterance.text for utterance in better]


async def test_erased_words_are_gone_everywhere_and_the_chain_still_holds(db: Database) -> None:
    ticket = await db.write(call_with_ticket)
    await db.write(begin, "c2")
    for number in range(3):
        await db.write(utterances.add, said(number, f"密码一二三 {number}", second=number), NOW)
    await db.write(utterances.replace, "c1", "c1", [said(0, "密码一二三四")], NOW)
    other = replace(said(0, "别的电话"), call_id="c2")
    await db.write(utterances.add, other, NOW)
    new = NewRecording("c1", "m-c1", "/m.wav", 1.0, "ab" * 32, "party")
    recording_id = await db.write(recordings.add, new, NOW)
    heard = {"text": "密码", "words": WORDS, "engine": "e"}
    await db.write(recordings.add_transcript, recording_id, heard, NOW)

    assert await db.write(utterances.erase, "c1", NOW) == 5
    [kept] = await db.read(utterances.transcript, "c1")
    assert (kept.text, kept.words, kept.party, kept.end) == ("", [], "caller", 1.25)
    message = await db.read(recordings.transcript_of, recording_id)
    assert message is not None
    assert (message.text, message.words) == ("", [])
    verdict = await db.read(timeline.verify)
    assert verdict.intact
    assert verdict.erased == 5
    for entry in await db.read(timeline.entries_after, 0, 100, ticket_id=ticket.id):
        assert "密码" not in str(entry.body)
    assert await db.read(utterances.transcript, "c2") == [other]
    before = await db.read(count, "timeline")
    assert await db.write(utterances.erase, "c1", NOW) == 0, "twice is once"
    assert await db.read(count, "timeline") == before


async def test_a_long_call_is_erased_whole(db: Database) -> None:
    await db.write(begin)

    def talk(connection: Connection) -> None:
        for number in range(1100):
            utterances.add(connection, said(number, "密码", second=number), NOW)

    await db.write(talk)
    assert await db.write(utterances.erase, "c1", NOW) == 1100
    assert (await db.read(timeline.verify)).erased == 1100
    assert (
        await db.read(
            lambda connection: connection.execute(
                text("SELECT count(*) FROM timeline WHERE body LIKE '%密码%'")
            ).scalar()
        )
        == 0
    )


async def test_words_of_a_call_that_never_began_are_refused(db: Database) -> None:
    with pytest.raises(NoSuchCall):
        await db.write(utterances.add, said(0, "x"), NOW)
    with pytest.raises(NoSuchCall):
        await db.write(utterances.replace, "c1", "c1", [said(0, "x")], NOW)
    with pytest.raises(NoSuchCall):
        await db.write(utterances.erase, "c1", NOW)
    await db.write(begin)
    with pytest.raises(ValueError, match="another leg"):
        await db.write(utterances.replace, "c1", "a1", [said(0, "x")], NOW)


async def test_hostile_words_are_cut_and_cleaned(db: Database) -> None:
    await db.write(begin)
    hostile = replace(said(0, "\0\udcff" * 20_000), engine="e" * 500)
    await db.write(utterances.add, hostile, NOW)
    [kept] = await db.read(utterances.transcript, "c1")
    assert len(kept.text) == 10_000
    assert "\0" not in kept.text
    assert (await db.read(timeline.verify)).intact
