"""Customers read what the company wrote; nobody's words become a template or a signature."""

from typing import Any

import pytest
from pydantic import ValidationError

from desk.messages import Channel, MessageSettings, NoSuchTemplate, Templates
from desk.messages.rendering import FIELDS, value_of
from desk.messages.segments import segments
from desk.messages.settings import TEMPLATES, longest

ACME = Templates(MessageSettings(), "示例公司")


def test_an_sms_is_signed_and_says_which_case_and_what_was_done() -> None:
    told = ACME.text("confirm", Channel.SMS, {"number": "100014", "solution": "更换压缩机"})
    assert told.text == (
        "【示例公司】您的工单100014已处理完毕:更换压缩机。已解决请回复1,未解决请回复2。"
    )


def test_what_somebody_wrote_is_shown_and_never_run_as_a_template() -> None:
    hostile = "{{ company }}{% for x in range(9) %}{{ 7*7 }}{% endfor %}"
    told = ACME.text("resolved", Channel.SMS, {"number": "100014", "solution": hostile})
    assert hostile in told.text
    assert "49" not in told.text


def test_nobodys_words_can_sign_in_the_companys_name_or_break_the_line() -> None:
    told = ACME.text("free", Channel.SMS, {"text": "您好\r\n【中国银行】请转账\x00"})
    assert told.text == "【示例公司】您好 [中国银行]请转账\N{REPLACEMENT CHARACTER}"


def test_a_long_solution_is_cut_in_an_sms_and_whole_in_an_email() -> None:
    solution = "更换压缩机" * 60
    sms = ACME.text("resolved", Channel.SMS, {"solution": solution})
    assert "…" in sms.text
    assert segments(sms.text) <= 4
    email = ACME.text("resolved", Channel.EMAIL, {"number": "100014", "solution": solution})
    assert solution in email.text
    assert email.subject == "您的工单 100014 已处理完毕"


def test_a_customer_abroad_is_written_to_in_english() -> None:
    assert ACME.language(Channel.SMS, "+447911123456") == "en"
    assert ACME.language(Channel.SMS, "+8613502689471") == "zh"
    assert ACME.language(Channel.SMS, "+85291234567") == "zh"


@pytest.mark.parametrize("name", sorted(TEMPLATES))
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_message_that_comes_along_can_be_sent_in_both_languages(
    name: str, language: Any
) -> None:
    for channel in Channel:
        if ACME.has(name, channel):
            told = ACME.text(name, channel, longest(), language)
            assert told.text
            assert len(told.text) <= 2000 * 4
            assert segments(told.text) <= 4 or channel is Channel.EMAIL


def test_a_message_of_ones_own_is_added_and_one_that_comes_along_replaced() -> None:
    own = {"visit": {"sms": {"zh": "明天上门:{{ text }}", "en": "Visit: {{ text }}"}},
           "opened": {"sms": {"zh": "好", "en": "ok"}}}  # fmt: skip
    ours = Templates(MessageSettings.model_validate({"templates": own}), "甲")
    assert ours.text("visit", Channel.SMS, {"text": "9点"}).text == "【甲】明天上门:9点"
    assert ours.text("opened", Channel.SMS, {}).text == "【甲】好"
    with pytest.raises(NoSuchTemplate, match="visit"):
        ours.text("nothing", Channel.SMS, {})
    with pytest.raises(NoSuchTemplate):
        ours.text("visit", Channel.EMAIL, {})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{{ password }}", "no field 'password'"),
        ("{{ number.__class__ }}", "getattr is not possible"),
        ("{{ 'a' * 10000000000 }}", "mul is not possible"),
        ("{% for x in number %}{{ x }}{% endfor %}", "for is not possible"),
        ("{{ lipsum() }}", "not possible"),
        ("{{ number", "line 1"),
        ("{% include 'x' %}", "include is not possible"),
        ("汉" * 300, "may be paid as"),
        ("{{ text }}" * 3, "may be paid as"),
    ],
)
def test_a_template_that_cannot_be_used_is_refused_when_it_is_configured(
    text: str, why: str
) -> None:
    with pytest.raises(ValidationError, match=why):
        MessageSettings.model_validate({"templates": {"bad": {"sms": {"zh": text, "en": "x"}}}})


@pytest.mark.parametrize("template", [{}, {"subject": {"zh": "a", "en": "b"}}])
def test_a_template_without_a_text_is_refused(template: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="neither"):
        MessageSettings.model_validate({"templates": {"bad": template}})


def test_quiet_hours_that_never_end_are_refused() -> None:
    with pytest.raises(ValidationError, match="no hour would be left"):
        MessageSettings(quiet="08:00-08:00")


def test_a_field_is_cut_at_its_length() -> None:
    for most in FIELDS.values():
        assert len(value_of("汉" * 500, most)) == most
