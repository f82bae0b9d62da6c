"""A history that was tampered with shows it; one that was erased by right does not lie."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from desk import outbox, timeline
from desk.db.engine import Database
from desk.timeline.chain import body_hash, entry_hash
from tests.rig.samples import NOW, sql


def write(db: Connection, entries: int = 6) -> None:
    for n in range(entries):
        at = NOW + timedelta(seconds=n)
        body = {"n": n, "who": "张三"}
        timeline.append(db, kind="test.made", body=body, now=at, call_id=f"c{n % 2}")


async def flaws(db: Database) -> list[tuple[int, str]]:
    return [(flaw.seq, flaw.what) for flaw in (await db.read(timeline.verify)).flaws]


async def test_an_untouched_history_is_intact(db: Database) -> None:
    assert (await db.read(timeline.verify)).intact, "also the empty one"
    await db.write(write)
    verdict = await db.read(timeline.verify)
    assert (verdict.intact, verdict.entries, verdict.erased) == (True, 6, 0)
    last = await db.read(timeline.entry, 6)
    assert last is not None
    assert verdict.head == last.hash


EDITS = [
    "UPDATE timeline SET body = replace(body, '张三', '李四') WHERE seq = 3",
    "UPDATE timeline SET kind = 'other' WHERE seq = 3",
    "UPDATE timeline SET actor = 'other' WHERE seq = 3",
    "UPDATE timeline SET call_id = 'c9' WHERE seq = 3",
    "UPDATE timeline SET ticket_id = 4 WHERE seq = 3",
    "UPDATE timeline SET customer_id = 4 WHERE seq = 3",
    "UPDATE timeline SET at = (SELECT at FROM timeline WHERE seq = 4) WHERE seq = 3",
    "UPDATE timeline SET hash = (SELECT hash FROM timeline WHERE seq = 4) WHERE seq = 3",
    "UPDATE timeline SET body_hash = (SELECT body_hash FROM timeline WHERE seq = 4) WHERE seq = 3",
    "UPDATE timeline SET salt = NULL WHERE seq = 3",
    "UPDATE timeline SET body = NULL, salt = NULL WHERE seq = 3",
]


@pytest.mark.parametrize("edit", EDITS)
async def test_an_edited_entry_shows_at_its_place(db: Database, edit: str) -> None:
    await db.write(write)
    await sql(db, edit)
    found = await flaws(db)
    assert found
    assert {seq for seq, _ in found} <= {3, 4}


@pytest.mark.parametrize("seq", [1, 3, 6])
async def test_a_deleted_entry_shows(db: Database, seq: int) -> None:
    await db.write(write)
    await sql(db, "DELETE FROM outbox WHERE seq = :seq", seq=seq)
    await sql(db, "DELETE FROM timeline WHERE seq = :seq", seq=seq)
    assert any("missing" in what for _, what in await flaws(db))


@pytest.mark.parametrize(("newest", "seen"), [(1, False), (3, False), (4, True), (6, True)])
async def test_a_quick_look_sees_what_changed_among_the_newest(
    db: Database, newest: int, seen: bool
) -> None:
    await db.write(write)
    verdict = await db.read(timeline.verify, newest=newest)
    assert (verdict.intact, verdict.entries) == (True, newest)
    await sql(db, "UPDATE timeline SET kind = 'other' WHERE seq = 3")
    assert (await db.read(timeline.verify, newest=newest)).intact is not seen


async def test_a_quick_look_sees_that_the_entry_before_it_is_gone(db: Database) -> None:
    await db.write(write)
    await sql(db, "DELETE FROM outbox WHERE seq = 4")
    await sql(db, "DELETE FROM timeline WHERE seq = 4")
    assert not (await db.read(timeline.verify, newest=2)).intact


async def test_entries_that_changed_places_show(db: Database) -> None:
    await db.write(write)
    await sql(db, "DELETE FROM outbox")
    for old, new in ((2, 100), (3, 2), (100, 3)):
        await sql(db, "UPDATE timeline SET seq = :new WHERE seq = :old", new=new, old=old)
    assert {seq for seq, _ in await flaws(db)} == {2, 3, 4}


async def test_an_inserted_entry_shows_even_with_right_hashes_of_its_own(db: Database) -> None:
    await db.write(write)
    last = await db.read(timeline.entry, 6)
    assert last is not None
    salt, body = "0" * 32, '{"n":6}'
    hashed = body_hash(salt, body)
    forged = entry_hash(
        last.hash, 7, NOW.isoformat(), "test.made", None, None, None, "system", hashed
    )
    await sql(
        db,
        "INSERT INTO timeline (seq, at, kind, actor, body, salt, body_hash, hash)"
        " SELECT 7, at, 'test.made', 'system', :body, :salt, :hashed, :forged"
        " FROM timeline WHERE seq = 1",
        body=body, salt=salt, hashed=hashed, forged=forged,
    )  # fmt: skip
    assert [seq for seq, _ in await flaws(db)] == [7]


async def test_a_head_that_was_turned_back_to_hide_a_deletion_shows(db: Database) -> None:
    await db.write(write)
    await sql(db, "DELETE FROM outbox WHERE seq = 6")
    await sql(db, "DELETE FROM timeline WHERE seq = 6")
    await sql(db, "UPDATE timeline_head SET seq = 5")
    assert await flaws(db) == [(5, "the head of the chain does not match the newest entry")]
    await sql(db, "DELETE FROM timeline_head")
    assert await flaws(db) == [(0, "the head of the chain is missing")]


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    seq=st.integers(1, 6),
    column=st.sampled_from(["kind", "call_id", "actor", "body", "body_hash", "hash"]),
    place=st.integers(0, 63),
    other=st.characters(codec="utf-8", exclude_characters="\0"),
)
async def test_any_changed_character_of_any_entry_shows(
    db: Database, seq: int, column: str, place: int, other: str
) -> None:
    class UndoError(Exception):
        pass

    def tamper(connection: Connection) -> None:
        write(connection)
        where = f"FROM timeline WHERE seq = {seq}"
        value = connection.execute(text(f"SELECT {column} {where}")).scalar_one()
        at = place % len(value)
        new = other if other != value[at] else "?" if other != "?" else "!"
        change = text(f"UPDATE timeline SET {column} = :changed WHERE seq = {seq}")  # noqa: S608
        connection.execute(change, {"changed": value[:at] + new + value[at + 1 :]})
        assert not timeline.verify(connection).intact
        raise UndoError

    with pytest.raises(UndoError):
        await db.write(tamper)


async def test_erased_words_are_gone_and_the_rest_still_proves_itself(db: Database) -> None:
    await db.write(write)
    record = await db.write(timeline.erase_bodies, [2, 3], "客户要求删除", NOW, "agent:8001")
    verdict = await db.read(timeline.verify)
    assert (verdict.intact, verdict.entries, verdict.erased) == (True, 7, 2)
    gone = await db.read(timeline.entry, 2)
    assert gone is not None
    assert gone.body is None
    assert (record.kind, record.actor) == (timeline.ERASED, "agent:8001")
    leftovers = await db.read(
        lambda c: c.execute(text("SELECT count(*) FROM timeline WHERE salt IS NULL")).scalar()
    )
    assert leftovers == 2, "without the salt the hash tells nothing of a number"


async def test_erased_words_are_not_sent_out_any_more(db: Database) -> None:
    await db.write(outbox.fan_out, ["crm"], NOW)
    await db.write(write, 1)
    await db.write(outbox.fan_out, ["crm"], NOW)
    await db.write(timeline.erase_bodies, [1], "客户要求删除", NOW)
    [delivery] = await db.read(outbox.due, "crm", NOW, 10)
    assert delivery.payload["body"] is None


@pytest.mark.parametrize("seqs", [[], list(range(501))])
async def test_an_erasure_of_nothing_or_of_too_much_is_refused(
    db: Database, seqs: list[int]
) -> None:
    with pytest.raises(ValueError, match="to erase"):
        await db.write(timeline.erase_bodies, seqs, "x", NOW)


async def test_reading_goes_on_where_it_stopped(db: Database) -> None:
    await db.write(write)
    first = await db.read(timeline.entries_after, 0, 4)
    rest = await db.read(timeline.entries_after, first[-1].seq, 100)
    assert [entry.seq for entry in [*first, *rest]] == [1, 2, 3, 4, 5, 6]
    of_call = await db.read(timeline.entries_after, 0, 10, call_id="c1")
    assert [entry.seq for entry in of_call] == [2, 4, 6]
    assert of_call[0].body == {"n": 1, "who": "张三"}
    assert of_call[0].at == NOW + timedelta(seconds=1)


async def test_a_long_history_is_verified_in_parts(db: Database) -> None:
    await db.write(write, 2500)
    verdict = await db.read(timeline.verify)
    assert (verdict.intact, verdict.entries) == (True, 2500)
    await sql(db, "DELETE FROM outbox WHERE seq IN (1000, 1001)")
    await sql(db, "DELETE FROM timeline WHERE seq IN (1000, 1001)")
    assert [seq for seq, _ in await flaws(db)] == [1002, 1002]
