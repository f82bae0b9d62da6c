"""The protocol: a value that ends its line too early is a command chosen by a stranger."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agi_scripts.protocol import (
    MAX_COMMAND_BYTES,
    BadReply,
    BadRequest,
    CommandRefused,
    Reply,
    Unsendable,
    command,
    continues,
    harmless,
    parse_reply,
    parse_request,
    set_variable,
)
from tests.agi_scripts.dialplan import header, words_of

_nasty = st.text(
    st.sampled_from("\"\\ \t\n\r\x00,;${}[]()|&`'abc天\x7f\x85\u2028\ud800"), max_size=40
)


@given(st.lists(st.text(max_size=60) | _nasty, min_size=1, max_size=6))
def test_a_command_is_one_line_that_asterisk_reads_back_unchanged_or_is_not_sent(
    words: list[str],
) -> None:
    try:
        data = command("SET", *words)
    except Unsendable:
        assert any(not word.isprintable() for word in words)
        return
    assert data.endswith(b"\n")
    assert data.count(b"\n") == 1
    assert b"\r" not in data
    assert b"\x00" not in data
    assert len(data) <= MAX_COMMAND_BYTES
    assert words_of(data.decode().removesuffix("\n")) == ["SET", *words]


@given(_nasty | st.text(max_size=300))
def test_any_text_made_harmless_can_be_sent_and_means_nothing_to_a_dialplan(text: str) -> None:
    value = harmless(text)
    assert not set(value) & set('"$\\;,(){}[]&|`\n\r\x00')
    assert words_of(set_variable("HS_X", value).decode().removesuffix("\n")) == [
        "SET",
        "VARIABLE",
        "HS_X",
        value,
    ]


def test_ordinary_names_stay_as_they_are() -> None:
    assert harmless("天津市 Li-Ming's 100%") == "天津市 Li-Ming's 100%"
    assert harmless('a"b$c,d') == "a＂b＄c，d"
    assert harmless("长" * 300, most=5) == "长" * 5


@pytest.mark.parametrize(
    "bad", ["\n", "\r", "\x00", "\x1b", "\t", "\x7f", "\x85", "\u2028", "\udc80"]
)
def test_a_value_with_a_control_character_is_never_sent(bad: str) -> None:
    with pytest.raises(Unsendable):
        set_variable("HS_X", f"a{bad}EXEC System reboot")


def test_a_command_longer_than_asterisk_reads_at_once_is_never_sent() -> None:
    set_variable("HS_X", "a" * 1_900)
    for value in ("a" * 2_000, "天" * 700, '"' * 1_000):
        with pytest.raises(Unsendable, match="bytes"):
            set_variable("HS_X", value)


@pytest.mark.parametrize(
    "name", ["SHELL(reboot)", "HS_", "hs_x", "HS_X\n", "GLOBAL(HS_X)", "HS_天", ""]
)
def test_only_our_own_variables_are_set_never_dialplan_functions(name: str) -> None:
    with pytest.raises(Unsendable):
        set_variable(name, "x")


def test_a_request_of_asterisk_is_read() -> None:
    request = parse_request(header("customer?x=1&number=%2B8622", "", "two words"))
    assert request.script == "customer"
    assert request.arguments == ("", "two words")
    assert request.parameters == {"x": "1", "number": "+8622"}
    assert request.argument(0, "number") == "+8622"
    assert request.argument(1, "number") == "two words"
    assert request.argument(2, "nothing") == ""
    assert (request.caller_id, request.call_id) == ("02253456789", "1795305600.1")
    assert request.dialled == "4001234567"


def test_the_dialled_number_falls_back_to_the_extension() -> None:
    request = parse_request(header("customer", agi_dnid="unknown", agi_extension="s"))
    assert request.dialled == "s"


@pytest.mark.parametrize("presentation", ["32", "33", "34", "35"])
def test_a_number_that_the_caller_withholds_is_not_used(presentation: str) -> None:
    request = parse_request(header("area_code", agi_callingpres=presentation))
    assert request.caller_id == "anonymous"


def test_a_number_that_may_be_shown_is_the_callers() -> None:
    for presentation in ("0", "1", "67", ""):
        request = parse_request(header("area_code", agi_callingpres=presentation))
        assert request.caller_id == "02253456789"


def test_bytes_that_are_no_utf8_are_replaced_not_fatal() -> None:
    request = parse_request(b"agi_network_script: customer\nagi_callerid: 022\xff\xc0\n\n")
    assert request.caller_id == "022\ufffd\ufffd"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n",
        b"GET / HTTP/1.1\nHost: x\n\n",
        b"agi_network: yes\n\n",
        b"agi_network_script: \n\n",
        b"agi_network_script: ../../etc/passwd\n\n",
        b"agi_network_script: customer%0Ax\n\n",
        b"agi_network_script: CUSTOMER\n\n",
        b"agi_network_script: //[\n\n",
        b"agi_network_script: customer?a=%0a\n\n",
        b"agi_network_script: customer?" + b"a=1&" * 50 + b"\n\n",
        b"agi_network_script: customer\nagi_callerid: 1\rX\n\n",
        b"agi_network_script: customer\nagi_callerid: 1\x00\n\n",
        b"agi_network_script: customer\nagi_callerid: 1\nagi_callerid: 2\n\n",
        b"agi_network_script: customer\nagi_callerid: 1\nEXEC System reboot\n\n",
        b"agi_network_script: customer\nagi_arg_99: x\n\n",
        b"agi_network_script: customer\n agi_callerid: x\n\n",
    ],
)
def test_what_is_no_request_is_refused(text: bytes) -> None:
    with pytest.raises(BadRequest):
        parse_request(text)


@given(st.binary(max_size=400))
def test_no_bytes_crash_the_reader_of_requests(data: bytes) -> None:
    for text in (data, b"agi_network_script: customer\nagi_arg_1: " + data + b"\n\n"):
        try:
            request = parse_request(text)
        except BadRequest:
            continue
        assert request.script == "customer"


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("200 result=1", Reply("1")),
        ("200 result=-1 endpos=8000", Reply("-1", "", 8000)),
        ("200 result=0 (timeout) endpos=160", Reply("0", "timeout", 160)),
        ("200 result=1 (a (b) c)", Reply("1", "a (b) c")),
        ("200 result=", Reply("")),
    ],
)
def test_replies_are_read(line: str, reply: Reply) -> None:
    assert parse_reply(line) == reply


def test_refusals_and_nonsense_are_told_apart() -> None:
    for line in ("510 Invalid or unknown command", "511 Command Not Permitted on a dead channel"):
        with pytest.raises(CommandRefused):
            parse_reply(line)
    for line in ("", "HANGUP", "20 result=1", "200 ok", "200", "agi_arg_1: x"):
        with pytest.raises(BadReply):
            parse_reply(line)
    assert continues("520-Invalid command syntax.  Proper usage follows:")
    assert not continues("520 End of proper usage.")


@given(st.text(max_size=80))
def test_no_text_crashes_the_reader_of_replies(line: str) -> None:
    with contextlib.suppress(BadReply, CommandRefused):
        parse_reply(line)
