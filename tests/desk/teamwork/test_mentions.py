"""A colleague who is spoken to in a note is found, and nobody is thought told who was not."""

import pytest

from desk.teamwork.mentions import MOST, UnknownMention, checked, mentioned
from desk.teamwork.people import Person, Roster

ROSTER = Roster.of(
    [
        Person("zhang.min", ("8001", "张敏"), "天津"),
        Person("li.qiang", ("8002", "李强"), "天津"),
        Person("li.qiang2", ("8003", "李强"), "北京"),
        Person("agent:80012", ("80012", "张敏敏")),
    ],
    ["天津", "北京", "天津夜班"],
)


@pytest.mark.parametrize(
    ("text", "whom"),
    [
        ("@8001 请看", ("zhang.min",)),
        ("请@张敏看一下", ("zhang.min",)),
        ("＠张敏。", ("zhang.min",)),
        ("请@张敏敏看一下", ("agent:80012",)),
        ("@80012", ("agent:80012",)),
        ("@agent:80012", ("agent:80012",)),
        ("@Zhang.Min, @zhang.min.", ("zhang.min",)),
        ("@team:天津夜班 @team：天津,@8001", ("team:天津夜班", "team:天津", "zhang.min")),
        ("发到 a@example.com 即可", ()),
        ("单价 3@5 元", ()),
        ("微信 @@abc", ()),
        ("@ 没有人 @,@", ()),
        ("没有", ()),
    ],
)
def test_who_is_spoken_to(text: str, whom: tuple[str, ...]) -> None:
    assert checked(text, ROSTER) == whom


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("@王五 请看", "王五"),
        ("@80019", "80019"),
        ("@8001x", "8001x"),
        ("@team:上海", "team:上海"),
        ("请@李强", "李强"),
    ],
)
def test_a_name_that_is_nobodys_or_several_peoples_is_refused(text: str, word: str) -> None:
    with pytest.raises(UnknownMention, match=word):
        checked(text, ROSTER)


def test_who_shares_a_name_is_told_apart_in_the_refusal() -> None:
    with pytest.raises(UnknownMention) as refused:
        checked("@李强 @赵六", ROSTER)
    assert refused.value.problems == [
        "nobody here is called '赵六'",
        "'李强' is the name of li.qiang, li.qiang2",
    ]


def test_a_note_does_not_call_the_whole_house() -> None:
    many = Roster.of([Person(f"a{number}", ()) for number in range(MOST + 1)])
    with pytest.raises(UnknownMention, match="at most"):
        checked(" ".join(f"@a{number}" for number in range(MOST + 1)), many)


def test_a_text_full_of_ats_is_read_at_once() -> None:
    assert mentioned("@" * 10_000, ROSTER).addresses == ()
    assert len(mentioned("@x " * 3_000, ROSTER).unknown) == 1
