"""Nobody's number may stand in a log, and nothing that a caller sends may pose as a log line."""

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import structlog
from hypothesis import assume, given
from hypothesis import strategies as st

from ari_app.logs import LONGEST, configure, mask_numbers, masked
from desk.numbering import ticket_number

AROUND = st.text(st.characters(exclude_categories=("Nd", "Cs")), max_size=20)
DIGITS = st.text("0123456789", min_size=7, max_size=20)
SEPARATORS = st.sampled_from(["", " ", "-", " (", ") ", "/"])


@st.composite
def written_numbers(draw: st.DrawFn) -> str:
    """A number as people and carriers write it: +86 (22) 8765-4321, 02287654321, 138 1234 5678."""
    written = draw(st.sampled_from(["", "+", "+86", "0086", "sip:", "tel:+"]))
    for digit in draw(DIGITS):
        written += digit + draw(st.sampled_from(["", "", "", ""]) | SEPARATORS)
    return written


def hidden(text: str) -> int:
    return text.count("*")


@given(AROUND, written_numbers(), AROUND)
def test_a_number_is_masked_whatever_stands_around_it(before: str, number: str, after: str) -> None:
    assume(not re.search(r"20\d\d-[01]\d-[0-3]\d", number))
    shown = masked(f"{before}{number}{after}")
    assert hidden(shown) - hidden(before + after) >= 4
    assert not re.search(r"\d{7}", shown)


@given(st.text())
def test_text_keeps_its_length_and_all_but_digits(text: str) -> None:
    shown = masked(text)
    assert len(shown) == len(text)
    assert all(new in (old, "*") for old, new in zip(text, shown, strict=True))


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("13812345678", "138******78"),
        ("+8613812345678", "+861********78"),
        ("022-8765 4321", "022-**** **21"),
        ("call from 02287654321.", "call from 022******21."),
        ("-13812345678-", "-138******78-"),
        ("cafe13812345678beef", "cafe138******78beef"),
        ("8765432", "8****32"),
        ("幺三八零零零零零零零零", "幺三八******零零"),
        ("sip:02287654321@127.0.0.1:5060", "sip:022******21@127.0.0.1:5060"),
        ("12345678901234567890123", "123******************23"),
    ],
)
def test_numbers_in_the_forms_of_carriers_and_people(number: str, shown: str) -> None:
    assert masked(number) == shown


@given(
    st.sampled_from(["", "huisheng-", "pbx1-", "p-huisheng-", "b-pbx-02-"]),
    st.integers(1_577_836_800, 1_999_999_999),
    st.integers(0, 999_999_999),
    st.sampled_from(["", ".", ".wav", "-1", ", then", " "]),
)
def test_ids_of_asterisk_stay_so_that_a_call_is_found_again(
    system: str, second: int, counter: int, after: str
) -> None:
    text = f"call {system}{second}.{counter}{after}"
    assert masked(text) == text


@given(st.integers(1, 89_999))
def test_ticket_numbers_stay(ticket: int) -> None:
    text = f"ticket {ticket_number(ticket)}: opened"
    assert masked(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T01:02:03.000004+00:00",
        "550e8400-e29b-41d4-a716-446655440000",
        "http://127.0.0.1:8088/ari",
        "Asterisk 22.10.1",
        "127.0.0.1 port 15744",
    ],
)
def test_what_is_no_number_stays(text: str) -> None:
    assert masked(text) == text


@dataclass
class Person:
    number: str


def test_numbers_deep_in_a_value_are_masked_and_counts_stay() -> None:
    event = {
        "event": "x 02287654321",
        "nested": {"13812345678": ["02287654321", ("13812345678", 12345678)]},
        "person": Person("13812345678"),
        "bytes": b"13812345678",
        "free": 12345678,
    }
    shown = dict(mask_numbers(None, "info", event))
    assert not re.search("02287654321|13812345678", repr(shown))
    assert shown["free"] == 12345678
    assert shown["nested"]["138******78"][1][1] == 12345678


@dataclass
class Logged:
    capture: pytest.CaptureFixture[str]

    def getvalue(self) -> str:
        return self.capture.readouterr().err


@pytest.fixture
def logged(capsys: pytest.CaptureFixture[str]) -> Iterator[Logged]:
    """What standard error got; logging is put back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield Logged(capsys)
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def fail() -> None:
    raise ValueError("bad number 13812345678\x1b[2J")


FORGED = "x\n2026-11-22T01:02:03Z [error] disk full\r\x1b[2J\x1b]0;owned\x07\u2028\u202e"


@pytest.mark.parametrize("as_json", [True, False])
def test_a_callers_name_forges_no_line_and_moves_no_cursor(logged: Logged, as_json: bool) -> None:
    configure("info", json=as_json)
    structlog.get_logger().info("name", name=FORGED)
    structlog.get_logger().info("a name %s", FORGED)
    logging.getLogger("library").warning("name %s", FORGED)
    lines = logged.getvalue()
    assert lines.count("\n") == 3
    assert not re.search("[\r\x1b\x07\u2028\u202e]", lines)


def test_libraries_and_tracebacks_are_masked_too(logged: Logged) -> None:
    configure("info", json=True)
    try:
        fail()
    except ValueError:
        structlog.get_logger().exception("failed on %s", "13812345678")
        logging.getLogger("library").exception("failed on %s", "13812345678")
    lines = logged.getvalue().splitlines()
    assert len(lines) == 2
    for line in lines:
        told = json.loads(line)
        assert told["event"] == "failed on 138******78"
        assert "ValueError: bad number 138******78" in told["exception"]
        assert "\n" in told["exception"], "a traceback keeps its lines"
        assert "\x1b" not in told["exception"]


def test_an_endless_value_does_not_fill_the_disk(logged: Logged) -> None:
    configure("info", json=True)
    structlog.get_logger().info("name", name="x" * 10_000_000)
    assert len(logged.getvalue()) < LONGEST + 200


def test_broken_text_is_logged_all_the_same(logged: Logged) -> None:
    configure("info", json=True)
    structlog.get_logger().info("name", name="\udcff\ud800")
    assert logged.getvalue().count("\n") == 1
