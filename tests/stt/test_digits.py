"""Numbers in a ticket read as numbers, and ordinary words stay words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stt.digits import DIGITS, written

SPOKEN = "".join(DIGITS)


@pytest.mark.parametrize(
    ("heard", "read"),
    [
        ("订单号是三八六零二九七谢谢", "订单号是3860297谢谢"),
        ("我的电话幺三五零二六八九四七幺", "我的电话13502689471"),
        ("零二二二七四八三六一九", "02227483619"),
        ("二零二六年三月", "2026年3月".replace("3", "三")),
        ("三幺五热线和幺幺零", "315热线和110"),
        ("我要打一二三一五", "我要打12315"),
        ("三〇一室", "301室"),
        ("先按零零零再说五五五五", "先按000再说5555"),
    ],
)
def test_numbers_read_out_digit_by_digit_become_digits(heard: str, read: str) -> None:
    assert written(heard) == read


@pytest.mark.parametrize(
    "heard",
    [
        "一直没有人接",
        "一心一意",
        "三番五次",
        "不管三七二十一",
        "九九八十一难",
        "一五一十地说",
        "乱七八糟",
        "七七八八",
        "不三不四",
        "分三六九等",
        "三百五十六块",
        "一千零一十五",
        "两千四百零八",
        "五六七天都没人来",
        "一二三四",
        "十三四五个",
        "圆周率三点一四一五",
        "二二得四",
        "零点",
        "八九不离十",
        "三三两两",
        "百分之一一五",
        "",
    ],
)
def test_words_idioms_and_estimates_stay_as_they_were_said(heard: str) -> None:
    assert written(heard) == heard


@given(st.text())
def test_text_keeps_its_length_and_everything_that_is_no_digit(text: str) -> None:
    result = written(text)
    assert len(result) == len(text)
    for before, after in zip(text, result, strict=True):
        assert after == before or after == DIGITS[before]


@given(st.text(alphabet=SPOKEN + "一直十百点我的号是,", max_size=40))
def test_writing_twice_changes_nothing_more(text: str) -> None:
    assert written(written(text)) == written(text)


@given(st.text(alphabet="0123456789", min_size=3, max_size=14), st.booleans())
def test_whatever_number_is_read_out_is_the_number_in_the_ticket(number: str, yao: bool) -> None:
    spoken = number.translate(
        str.maketrans("0123456789", "零" + "幺一"[not yao] + "二三四五六七八九")
    )
    found = written(f"单号{spoken}")
    assert found in (f"单号{number}", f"单号{spoken}")
    if "0" in number and number != "7788":
        assert found == f"单号{number}"
