"""The trace: what the demo and every end-to-end test believe about a call."""

import pytest

from ari_app.sip_caller import CallPlan, CallResult
from ari_app.sip_caller.trace import LINE_BYTES, parse_line, result_of

PLAN = CallPlan("1", "2")


def _result(*lines: tuple[float, str, str, str]) -> CallResult:
    parsed = [
        parse_line(f"2026-01-01\t12:00:00\t{at}\t{way}\tc@x\tCSeq:{cseq}\t{first}\n".encode())
        for at, way, cseq, first in lines
    ]
    return result_of(PLAN, "c@x", [message for message in parsed if message])


def test_an_answered_call_that_the_line_ends() -> None:
    result = _result(
        (1.0, "S", "1 INVITE", "INVITE sip:2@x SIP/2.0"),
        (1.5, "S", "1 INVITE", "INVITE sip:2@x SIP/2.0"),
        (1.6, "R", "1 INVITE", "SIP/2.0 100 Trying"),
        (2.0, "R", "1 INVITE", "SIP/2.0 180 Ringing"),
        (3.0, "R", "1 INVITE", "SIP/2.0 200 OK"),
        (3.0, "S", "1 ACK", "ACK sip:2@x SIP/2.0"),
        (5.0, "R", "7 BYE", "BYE sip:caller@x SIP/2.0"),
        (5.0, "S", "7 BYE", "SIP/2.0 200 OK"),
    )
    assert result.status == 200
    assert result.ringing_at == 2.0
    assert result.answer_seconds == 2.0
    assert result.talk_seconds == 2.0
    assert result.ended_by == "them"


def test_a_refused_and_a_lost_call() -> None:
    invite = (1.0, "S", "1 INVITE", "INVITE sip:2@x SIP/2.0")
    assert _result(invite, (1.1, "R", "1 INVITE", "SIP/2.0 486 Busy Here")).status == 486
    lost = _result(invite)
    assert (lost.status, lost.answered_at, lost.talk_seconds, lost.ended_by) == (None,) * 4


def test_a_cancelled_call_was_ended_by_us() -> None:
    result = _result(
        (1.0, "S", "1 INVITE", "INVITE sip:2@x SIP/2.0"),
        (2.0, "S", "1 CANCEL", "CANCEL sip:2@x SIP/2.0"),
        (2.1, "R", "1 CANCEL", "SIP/2.0 200 OK"),
        (2.1, "R", "1 INVITE", "SIP/2.0 487 Request Terminated"),
    )
    assert (result.status, result.ended_by, result.answered_at) == (487, "us", None)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"X-Evil: 1\r\n",
        b"a\tb\tnow\tS\tc\tCSeq:1 INVITE\tINVITE sip:2 SIP/2.0",
        b"a\tb\t1.0\tQ\tc\tCSeq:1 INVITE\tINVITE sip:2 SIP/2.0",
        b"\xff" * (2 * LINE_BYTES),
    ],
)
def test_the_rest_of_a_hostile_request_line_is_no_message(line: bytes) -> None:
    assert parse_line(line) is None
