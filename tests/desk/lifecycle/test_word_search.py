"""Words are found wherever they stand, by an index that never hides what has just been written, and
nobody finds out by searching what he may not see."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from desk import customers, tickets
from desk.chores import catch_up
from desk.db.engine import Database
from desk.errors import DeskError
from desk.region import locate
from desk.tickets import SYSTEM, NewTicket, closing, word_index
from desk.tickets.look_up import DigitsHidden
from desk.tickets.word_index import word_chores
from desk.tickets.words import number_pattern, pairs, plain
from tests.desk.lifecycle.cases import AGENT, begun
from tests.rig.samples import NOW

CHORES = word_chores()


async def found(db: Database, words: str | None = None, **conditions: Any) -> list[int]:
    return [t.id for t in await db.read(tickets.search, text=words, **conditions)]


async def opened(db: Database, subject: str, caller: str = "13812345678", **more: Any) -> int:
    new = NewTicket("complaint", subject, caller=locate(caller), **more)
    return (await db.write(tickets.open_ticket, new, NOW)).id


async def indexed(db: Database) -> None:
    await catch_up(db, CHORES, lambda: NOW)


def rows(db: Connection) -> int:
    found: int = db.execute(text("SELECT count(*) FROM ticket_index")).scalar_one()
    return found


@pytest.mark.parametrize("with_index", [False, True])
async def test_chinese_words_of_any_length_are_found(db: Database, with_index: bool) -> None:
    first = await opened(db, "空调不制冷,遥控器失灵")
    second = await opened(db, "空调漏水", description="型号ＡＢＣ－１２,师傅Wang来过")
    if with_index:
        await indexed(db)
        assert await db.read(rows) == 2
    for words, expected in {
        "空调": [second, first],
        "制冷": [first],
        "不制冷": [first],
        "遥控器 空调": [first],
        "漏": [second],
        "漏水 制冷": [],
        "冷制": [],
        "空漏": [],
        "abc-12": [second],
        "ＡＢＣ": [second],
        "WANG": [second],
        "%": [],
        "_调": [],
        "5678": [second, first],
    }.items():
        assert await found(db, words) == expected, words


async def test_what_was_just_written_is_found_before_it_is_indexed(db: Database) -> None:
    ticket = await db.write(begun)
    await indexed(db)
    assert await found(db, "压缩机") == []
    await db.write(closing.resolve, ticket.id, "换了压缩机", NOW, by=AGENT, expected_version=2)
    assert await found(db, "压缩机") == [ticket.id]
    fresh = await opened(db, "冰箱")
    assert await found(db, "冰箱") == [fresh]
    await indexed(db)
    assert await found(db, "压缩机") == [ticket.id]
    await db.write(tickets.edit, fresh, NOW, by=SYSTEM, expected_version=None, subject="洗衣机")
    assert (await found(db, "冰箱"), await found(db, "洗衣机")) == ([], [fresh])
    await indexed(db)
    assert (await found(db, "冰箱"), await found(db, "洗衣机")) == ([], [fresh])


async def test_the_index_is_used_once_it_has_caught_up(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await opened(db, "空调")
    assert await db.read(word_index.unseen) is None, "a new index is not relied on"
    await indexed(db)
    assert await db.read(word_index.unseen) is not None
    monkeypatch.setattr(word_index, "MOST_BEHIND", 0)
    await opened(db, "空调二")
    assert await db.read(word_index.unseen) is None
    assert await found(db, "空调") == [2, 1]


async def test_pages_go_on_where_words_are_rare(db: Database) -> None:
    for number in range(8):
        await opened(db, "空调" if number % 2 else "调空")
    await indexed(db)
    first = await found(db, "空调", limit=3)
    assert first == [8, 6, 4]
    assert await found(db, "空调", limit=3, before=first[-1]) == [2]


async def masked(db: Database, words: str | None = None, **more: Any) -> list[int]:
    return await found(db, words, masked=True, **more)


@pytest.mark.parametrize("with_index", [False, True])
async def test_who_sees_numbers_masked_cannot_ask_for_the_hidden_digits(
    db: Database, with_index: bool
) -> None:
    await db.write(customers.import_csv, "name,numbers\n王小明,13812345678;13900001111\n", NOW)
    one = await opened(db, "请回 13812345678 或者一三九零零零零一一一一", customer_ids=(1,))
    two = await opened(db, "别的", "13899995678")
    if with_index:
        await indexed(db)
    for probe in (
        "12345678",
        "1234",
        "8123",
        "138123",
        "2345",
        "一三九零零",
        "零零零零",
        "+8613812",
    ):
        assert one not in await masked(db, probe) or two in await masked(db, probe), probe
    for probe in ("12345", "1381234", "3456", "零零"):
        assert await masked(db, probe) == [], probe
    assert await masked(db, "5678") == [two, one], "what is shown can be looked for"
    assert await masked(db, "王小明") == [one]
    assert await masked(db, phone="+8613812345678") == [two, one], "as far as it is shown"
    assert await masked(db, phone="+8613812349999") == []
    for digits in ("12345678", "22225678", "5678"):
        assert await masked(db, phone=digits) == [two, one], digits
    assert await found(db, phone="+8613812345678") == [one]
    assert await masked(db, phone="+8613911111111") == await masked(db, phone="+8613900001111")


async def test_what_was_said_is_not_searched_for_numbers_by_those(db: Database) -> None:
    for said in ("12", "一三", "请拨138"):
        with pytest.raises(DigitsHidden):
            await masked(db, said=said)
    assert await masked(db, said="一个") == []
    assert await found(db, said="138") == []
    assert issubclass(DigitsHidden, DeskError)


@given(st.text(max_size=40), st.text(min_size=2, max_size=6))
def test_every_part_of_a_text_has_its_pairs_in_the_text(whole: str, part: str) -> None:
    for words in part.split():
        assert pairs(words) <= pairs(f"{whole}{words}{whole}") or plain(words) not in plain(
            f"{whole}{words}{whole}"
        )


@pytest.mark.parametrize(
    ("digits", "pattern"),
    [
        ("5678", "5678"),
        ("45678", "_5678"),
        ("12345678", "____5678"),
        ("13812345678", "138____5678"),
        ("+8613812345678", "+86138____5678"),
    ],
)
def test_a_masked_number_is_asked_for_as_it_is_shown(digits: str, pattern: str) -> None:
    assert number_pattern(digits, masked=True) == pattern
    assert number_pattern(digits, masked=False) == digits
