"""What a caller told after the tone is transcribed once and reaches the ticket."""

import pytest

from desk import recordings, tickets, timeline
from desk.db.engine import Database
from desk.errors import NoSuchCall, NoSuchRecording
from desk.recordings import NewRecording
from desk.tickets import NewTicket
from tests.rig.samples import NOW, begin, call_with_ticket, count

NEW = NewRecording("c1", "m-c1", "/var/m-c1.wav", 4.25, "ab" * 32)
WORDS = [{"text": "冰箱", "start": 0.1, "end": 0.5, "confidence": 0.98}]
HEARD = {"text": "冰箱 不制冷", "words": WORDS, "engine": "vosk small", "seconds": 4.25}


async def test_words_reach_the_ticket_that_is_already_there(db: Database) -> None:
    ticket = await db.write(call_with_ticket)
    await db.write(tickets.describe, ticket.id, "按 1", NOW)
    recording_id = await db.write(recordings.add, NEW, NOW)
    assert [r.id for r in await db.read(recordings.untranscribed)] == [recording_id]
    await db.write(recordings.add_transcript, recording_id, HEARD, NOW)
    changed = await db.read(tickets.get, ticket.id)
    assert changed is not None
    assert changed.description == "按 1\n冰箱 不制冷"
    kinds = [e.kind for e in await db.read(timeline.entries_after, 3, 10, ticket_id=ticket.id)]
    assert kinds == ["recording.added", "transcript.added", "ticket.described"]


async def test_words_wait_for_a_ticket_that_is_opened_later(db: Database) -> None:
    await db.write(begin)
    recording_id = await db.write(recordings.add, NEW, NOW)
    await db.write(recordings.add_transcript, recording_id, HEARD, NOW)
    ticket = await db.write(tickets.open_ticket, NewTicket("complaint", "x", call_id="c1"), NOW)
    assert ticket.description == "冰箱 不制冷"


async def test_word_times_are_kept_as_they_were_recognised(db: Database) -> None:
    await db.write(begin)
    recording_id = await db.write(recordings.add, NEW, NOW)
    await db.write(recordings.add_transcript, recording_id, HEARD, NOW)
    found = await db.read(recordings.transcript_of, recording_id)
    assert found is not None
    assert (found.text, found.words, found.engine) == ("冰箱 不制冷", WORDS, "vosk small")
    [recording] = await db.read(recordings.of_call, "c1")
    assert (recording.state, recording.seconds) == ("transcribed", 4.25)
    assert await db.read(recordings.untranscribed) == []


async def test_the_same_recording_or_transcript_again_changes_nothing(db: Database) -> None:
    await db.write(begin)
    first = await db.write(recordings.add, NEW, NOW)
    assert await db.write(recordings.add, NEW, NOW) == first
    await db.write(recordings.add_transcript, first, HEARD, NOW)
    await db.write(recordings.add_transcript, first, {**HEARD, "text": "other"}, NOW)
    await db.write(recordings.transcription_failed, first, "late", NOW)
    assert await db.read(count, "timeline") == 3
    assert await db.read(count, "transcripts") == 1


async def test_a_recording_that_cannot_be_transcribed_is_not_tried_for_ever(db: Database) -> None:
    await db.write(begin)
    recording_id = await db.write(recordings.add, NEW, NOW)
    await db.write(recordings.transcription_failed, recording_id, "not a WAV file", NOW)
    assert await db.read(recordings.untranscribed) == []
    found = await db.read(recordings.get, recording_id)
    assert found is not None
    assert found.state == "failed"
    # A later attempt by hand may still succeed.
    await db.write(recordings.add_transcript, recording_id, HEARD, NOW)
    assert await db.read(recordings.transcript_of, recording_id) is not None


async def test_silence_leaves_the_description_alone(db: Database) -> None:
    ticket = await db.write(call_with_ticket)
    recording_id = await db.write(recordings.add, NEW, NOW)
    await db.write(recordings.add_transcript, recording_id, {**HEARD, "text": "", "words": []}, NOW)
    assert await db.read(tickets.get, ticket.id) == ticket


async def test_unknown_calls_and_recordings_are_refused(db: Database) -> None:
    with pytest.raises(NoSuchCall):
        await db.write(recordings.add, NEW, NOW)
    for work, argument in (
        (recordings.add_transcript, HEARD),
        (recordings.transcription_failed, "x"),
    ):
        with pytest.raises(NoSuchRecording):
            await db.write(work, 7, argument, NOW)  # type: ignore[arg-type]
