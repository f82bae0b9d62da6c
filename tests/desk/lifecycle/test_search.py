"""Whoever asks after a case finds it by what they know: number, name, phone or words."""

from desk import customers, tickets
from desk.chores import catch_up
from desk.db.engine import Database
from desk.tickets import closing
from desk.tickets.word_index import word_chores
from tests.desk.lifecycle.cases import AGENT, LEAD, begun, closed, opened
from tests.rig.samples import NOW, TIANJIN


async def found(db: Database, **conditions: object) -> list[int]:
    return [t.id for t in await db.read(tickets.search, **conditions)]  # type: ignore[arg-type]


async def test_a_number_is_understood_as_it_is_said_keyed_or_written(db: Database) -> None:
    ticket = await db.write(opened)
    for said in ("100014", "1000 14", "100-014", "１０００１４", "一零零零一四", "幺零零零幺四"):
        assert await db.read(tickets.by_number, said) == ticket, said
        assert await found(db, text=said) == [ticket.id], said
    assert await db.read(tickets.by_number, "一零零零一五") is None


async def test_a_customer_is_found_by_name_company_and_any_number(db: Database) -> None:
    file = "name,company,numbers\n王小明,海河电器,13812345678;022-53456789\n"
    await db.write(customers.import_csv, file, NOW)
    ticket = await db.write(opened)
    assert await found(db, text="王小明") == []
    await db.write(tickets.edit, ticket.id, NOW, by=AGENT, expected_version=1, customer_id=1)
    for text in ("王小明", "小明 投诉", "海河", "6789", "53456789"):
        assert await found(db, text=text) == [ticket.id], text
    for text in ("小明 报修", "789", "9999", "王%", "   "):
        assert await found(db, text=text) == [], text
    for phone in (TIANJIN.e164, "+8613812345678", "6789"):
        assert await found(db, phone=phone) == [ticket.id], phone
    for phone in ("+8613812345679", "678", "anonymous"):
        assert await found(db, phone=phone) == [], phone


async def test_a_number_typed_among_words_is_understood_in_any_form(db: Database) -> None:
    file = "name,numbers\n王小明,13812345678;022-53456789\n李强,13899990000\n"
    await db.write(customers.import_csv, file, NOW)
    ticket = await db.write(opened)
    await db.write(tickets.edit, ticket.id, NOW, by=AGENT, expected_version=1, customer_id=1)
    for with_index in (False, True):
        if with_index:
            await catch_up(db, word_chores(), lambda: NOW)
        for text in (
            "022-53456789",
            "02253456789",
            "+8613812345678",
            "13812345678",
            "5678",
            "138 1234 5678",
            "小明 13812345678",
            "022 5345 6789",
            "一三八一二三四五六七八",
        ):
            assert await found(db, text=text) == [ticket.id], text
        for text in ("13899990000", "小明 13899990000", "138 9999 0000", "010-53456789", "678"):
            assert await found(db, text=text) == [], text
        assert await found(db, text="138 1234 5678", masked=True) == [ticket.id]
        assert await found(db, text="138 9999 5678", masked=True) == [ticket.id], "as it is shown"


async def test_words_are_found_in_the_solution_and_in_any_width(db: Database) -> None:
    ticket = await db.write(begun)
    await db.write(closing.resolve, ticket.id, "换了ABC-12板", NOW, by=AGENT, expected_version=2)
    assert await found(db, text="ＡＢＣ－１２") == [ticket.id]
    assert await found(db, text="换了 天津") == [ticket.id]


async def test_a_team_finds_its_work_and_what_has_ended(db: Database) -> None:
    one, done = await db.write(opened, "c1"), await db.write(closed, "c2")
    await db.write(
        tickets.steps.assign, one.id, NOW, by=LEAD, expected_version=1, team="天津", assignee="张敏"
    )
    assert await found(db, team="天津") == await found(db, assignee="张敏") == [one.id]
    assert await found(db, going_on=True) == [one.id]
    assert await found(db, going_on=False) == [done.id]
