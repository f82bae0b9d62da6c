"""The line that an agent reads first in a ticket, and the numbers that are looked up from it."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stt.text import CALLER, EXTRACTIVE, Digest, Said, digest_of, of_message
from stt.text.summary import MOST_CHARACTERS, cut, summary


def call(*lines: str) -> list[Said]:
    """`A:` before a line of the agent's."""
    return [
        Said("agent:8001", line[2:]) if line.startswith("A:") else Said(CALLER, line)
        for line in lines
    ]


def found(*lines: str) -> tuple[list[str], list[str]]:
    digest = EXTRACTIVE.digest_now(call(*lines))
    return [one.value for one in digest.numbers], [one.value for one in digest.order_ids]


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        (["A:您好请问有什么可以帮您", "喂您好", "我买的冰箱坏了", "三天了"], "我买的冰箱坏了"),
        (["您好,我要投诉产品质量太差了。上周买的。"], "我要投诉产品质量太差了"),
        (["喂 你好 请问一下 我的快递到哪了"], "我的快递到哪了"),
        (["嗯对", "空调不制冷"], "对,空调不制冷"),
        (["您好", "喂", "你好听得见吗"], ""),
        (["A:您好"], ""),
        ([], ""),
        (["早上好客服小姐我想退货"], "我想退货"),
    ],
)
def test_the_summary_is_what_the_caller_wants_and_not_his_greeting(
    lines: list[str], line: str
) -> None:
    assert summary(call(*lines)) == line


def test_a_long_first_sentence_is_cut_and_shows_it() -> None:
    line = summary(of_message("您好" + "空调漏水" * 20))
    assert len(line) == MOST_CHARACTERS
    assert line.endswith("漏…")


def test_a_number_at_the_cut_is_shown_whole_or_not_at_all() -> None:
    text = "我的冰箱坏了已经报修过三次了每次都说马上来电话号码是13502689471请回电"
    assert cut(text, 30) == "我的冰箱坏了已经报修过三次了每次都说马上来电话号码是…"


@given(st.lists(st.text(max_size=80), max_size=5))
def test_no_words_break_the_digest(texts: list[str]) -> None:
    digest = EXTRACTIVE.digest_now([Said(CALLER, text) for text in texts])
    assert len(digest.summary) <= MOST_CHARACTERS
    for one in (*digest.numbers, *digest.order_ids):
        assert 0 <= one.start < one.end <= len(texts[one.utterance])


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("我的电话13502689471", "13502689471"),
        ("我的电话是幺三五零二六八九四七幺请回电", "13502689471"),
        ("电话 135 0268 9471", "13502689471"),
        ("135-0268-9471", "13502689471"),
        ("+8613502689471", "+8613502689471"),
        ("家里是零二二五三四五六七八九", "02253456789"),
        ("022-53456789", "02253456789"),
        ("01012345678", "01012345678"),
        ("座机0371 6655443", "03716655443"),
        ("打4001234567也没人接", "4001234567"),
        ("8008201234", "8008201234"),
    ],
)
def test_telephone_numbers_are_found_however_they_are_said(text: str, number: str) -> None:
    assert found(text) == ([number], [])


@pytest.mark.parametrize(
    "text",
    [
        "12345678",
        "12502689471",
        "135026894711",
        "身份证120101199003071234",
        "2026年3月1日",
        "型号KFR13502689471",
        "花了3500块",
        "一直没有人接",
    ],
)
def test_what_is_no_telephone_number_is_not_taken_for_one(text: str) -> None:
    assert found(text)[0] == []


def test_two_numbers_in_one_breath_are_two() -> None:
    assert found("13502689471 02253456789")[0] == ["13502689471", "02253456789"]


def test_a_number_that_is_read_out_in_pieces_is_one_number_and_says_where_it_began() -> None:
    said = call("电话是幺三五零二", "A:嗯", "六八九四七", "幺", "A:好的谢谢")
    digest = EXTRACTIVE.digest_now(said)
    [one] = digest.numbers
    assert (one.value, one.utterance, one.start, one.end) == ("13502689471", 0, 3, 8)


def test_numbers_that_the_agent_says_are_not_the_callers() -> None:
    assert found("A:您可以打4001234567", "我的是13502689471") == (["13502689471"], [])


@pytest.mark.parametrize(
    ("lines", "order"),
    [
        (["订单号是三八六零二九七"], "3860297"),
        (["我的单号SF1234567890123"], "SF1234567890123"),
        (["工单号100014"], "100014"),
        (["流水号:2026 1122 0001"], "202611220001"),
        (["订单编号为 ab-123456"], "AB123456"),
        (["A:请说一下您的订单号", "好的三八六零二九七"], "3860297"),
        (["A:您的工单号是多少", "100014"], "100014"),
        (["订单号是", "三八六零", "A:嗯", "二九七"], "3860297"),
    ],
)
def test_order_ids_are_found_behind_their_word_or_as_an_answer(
    lines: list[str], order: str
) -> None:
    assert found(*lines) == ([], [order])


@pytest.mark.parametrize(
    "text", ["订单号12345", "订单号abcdefg", "我有三个订单", "单号" + "1" * 21]
)
def test_what_is_too_short_too_long_or_no_number_is_no_order_id(text: str) -> None:
    assert found(text)[1] == []


def test_an_order_id_and_a_telephone_number_are_kept_apart() -> None:
    lines = ("A:请报一下订单号", "三八六零二九七", "A:电话呢", "幺三五零二六八九四七幺")
    assert found(*lines) == (["13502689471"], ["3860297"])
    assert found("A:请报订单号和电话", "三八六零二九七", "幺三五零二六八九四七幺") == (
        ["13502689471"],
        ["3860297"],
    )


def test_an_eleven_digit_order_id_is_not_taken_for_a_telephone_number() -> None:
    assert found("订单号13502689471") == ([], ["13502689471"])


class Plugged:
    """A digester from elsewhere."""

    name = "model 7"

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    async def digest(self, call: Sequence[Said]) -> Digest:
        if self.error is not None:
            raise self.error
        return Digest("written by a model", (), (), self.name)


async def test_a_plugged_in_digester_is_asked_and_named() -> None:
    digest = await digest_of(of_message("空调坏了"), Plugged())
    assert (digest.summary, digest.engine) == ("written by a model", "model 7")


async def test_a_digester_that_fails_leaves_the_ticket_with_the_extractive_digest(
    caplog: pytest.LogCaptureFixture,
) -> None:
    digest = await digest_of(of_message("空调坏了"), Plugged(OSError("no route")))
    assert (digest.summary, digest.engine) == ("空调坏了", "extractive 1")
    assert "model 7 did not deliver (OSError: no route)" in caplog.text


@pytest.mark.looptime
async def test_a_digester_that_hangs_does_not_hold_up_the_ticket() -> None:
    class Hanging(Plugged):
        async def digest(self, call: Sequence[Said]) -> Digest:
            await asyncio.sleep(3600)
            raise AssertionError

    digest = await digest_of(of_message("空调坏了"), Hanging(), deadline=5)
    assert digest.engine == "extractive 1"
    assert asyncio.get_running_loop().time() < 6


def test_a_digest_is_plain_values_for_the_ticket() -> None:
    as_dict = EXTRACTIVE.digest_now(of_message("电话13502689471")).as_dict()
    assert as_dict["numbers"] == ({"value": "13502689471", "utterance": 0, "start": 2, "end": 13},)
    assert as_dict["engine"] == "extractive 1"
