"""What a reader without the right may see of people."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.masking import (
    mask_body,
    mask_email,
    mask_growing,
    mask_name,
    mask_number,
    mask_text,
)


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("+8613812345678", "+86138****5678"),
        ("+862253456789", "+8622****6789"),
        ("022-5345 6789", "022-**** 6789"),
        ("53456789", "****6789"),
        ("5345678", "***5678"),
        ("10086", "10086"),
        ("anonymous", "anonymous"),
        ("", ""),
        ("Zhang San", "Z***"),
    ],
)
def test_numbers(number: str, masked: str) -> None:
    assert mask_number(number) == masked


def test_names_and_addresses() -> None:
    assert [mask_name(n) for n in ("张三", "欧阳娜娜", "李", "")] == ["张*", "欧***", "李", ""]
    assert mask_email("zhang@example.com") == "z***@example.com"
    assert mask_email("") == ""


@pytest.mark.parametrize(
    "told",
    [
        "我的电话是13812345678请回电",
        "打022-53456789",
        "一三八一二三四五六七八",
        "幺三八 12345678",
        "138 1234 5678",
    ],
)
def test_a_number_told_in_running_text_is_masked(told: str) -> None:
    assert "1234" not in mask_text(told).replace(" ", "")
    assert "一二三四" not in mask_text(told)


def test_short_numbers_in_text_stay() -> None:
    assert mask_text("工单100014,2026年,95588") == "工单100014,2026年,95588"


def test_a_timeline_body_is_masked_at_every_depth_and_ids_stay() -> None:
    body = {
        "number": "100014",
        "caller": {"caller_id": "13812345678", "e164": "+8613812345678", "city": "天津"},
        "numbers": ["+8613812345678"],
        "name": "张三",
        "email": "zhang@example.com",
        "description": "请打 13812345678",
        "something_new": ["13812345678"],
        "sha256": "1234567890" * 6,
        "seconds": 1.5,
    }
    masked = mask_body(body)
    assert masked["number"] == "100014"
    assert masked["sha256"] == body["sha256"]
    assert masked["caller"]["city"] == "天津"
    assert masked["name"] == "张*"
    assert "12345678" not in str({**masked, "sha256": ""})


@given(st.integers(10**9, 10**12))
def test_masking_hides_four_digits_of_every_personal_number(number: int) -> None:
    assert mask_number(f"+{number}").count("*") == 4


NUMBER = "13812345678"


def test_of_a_number_that_is_being_spoken_no_part_is_shown() -> None:
    for end in range(1, len(NUMBER) + 1):
        for digits in (NUMBER, "一三八一二三四五六七八"):
            shown = mask_growing(f"请打{digits[:end]}")
            assert shown == "请打" + "*" * end
    assert mask_growing("请打138 1234 5678 好") == "请打************* 好"
    assert mask_growing("我要一个人") == "我要一个人"


def test_a_number_spoken_word_by_word_is_masked_in_running_text() -> None:
    assert mask_text("打 一 三 八 一 二 三 四 五 六 七 八") == "打 * * * * * * * 五 六 七 八"


def test_moments_and_channel_ids_are_no_telephone_numbers_and_words_are_not_shown_one_by_one(
) -> None:  # fmt: skip
    body = {
        "at": "2026-11-22T01:02:03.456789Z",
        "since": "2026-11-22T01:02:03+00:00",
        "leg": "1763774523.17",
        "channel_id": "1763774523.18",
        "words": [{"text": digit} for digit in NUMBER],
    }
    assert mask_body(body) == {**body, "words": []}
