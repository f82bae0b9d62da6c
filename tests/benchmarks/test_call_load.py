"""The arithmetic behind the published figures: a mistake here would praise or damn the wrong way
to serve a call."""

import struct

import pytest

from benchmarks.call_load.caller import CALLERS, counted, media, number_of
from benchmarks.call_load.capture import CallTimes, CaptureError, calls_of, is_second_prompt
from benchmarks.call_load.figures import Climb, Load, Score, goals, percentile
from benchmarks.call_load.pbx import tone
from desk.region import locate

SIP, CALLER_SIP, CALLER_MEDIA, MEDIA = 5060, 7000, 6008, 40000
FIRST = bytes([1, 2, 3, 4, 5, 6, 7, 8, 129, 130, 131, 132, 133, 134, 135, 136])
SECOND = bytes([1, 2, 3, 4, 5, 6, 7, 8]) * 2
INVITE = (
    b"INVITE sip:1@h SIP/2.0\r\nCall-ID: a@h\r\nCSeq: 1 INVITE\r\n\r\nm=audio 6008 RTP/AVP 8\r\n"
)
OK = b"SIP/2.0 200 OK\r\nCall-ID: a@h\r\nCSeq: 1 INVITE\r\n\r\n"
BYE = b"BYE sip:c@h SIP/2.0\r\nCall-ID: a@h\r\nCSeq: 2 BYE\r\n\r\n"


def rtp(payload_type: int, payload: bytes) -> bytes:
    return struct.pack("!BBHII", 0x80, payload_type, 1, 1, 1) + payload


def sound(pattern: bytes) -> bytes:
    return rtp(8, (pattern * 20)[:160])


def key(*, end: bool) -> bytes:
    return rtp(101, struct.pack("!BBH", 5, 0x80 * end | 10, 160))


def pcap(*packets: tuple[float, int, int, bytes]) -> bytes:
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)]
    for at, source, target, payload in packets:
        udp = struct.pack("!HHHH", source, target, 8 + len(payload), 0) + payload
        ip = struct.pack("!BBHHHBBH8x", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0)
        frame = bytes(12) + b"\x08\x00" + ip + udp
        seconds, fraction = divmod(round(at * 1e6), 1_000_000)
        out.append(struct.pack("<IIII", seconds, fraction, len(frame), len(frame)) + frame)
    return b"".join(out)


CALL = (
    (10.0, CALLER_SIP, SIP, INVITE),
    (10.0015, SIP, CALLER_SIP, OK),
    (10.01, MEDIA, CALLER_MEDIA, sound(FIRST)),
    (11.3, CALLER_MEDIA, MEDIA, key(end=False)),
    (11.31, MEDIA, CALLER_MEDIA, sound(b"\xd5" * 16)),
    (11.42, CALLER_MEDIA, MEDIA, key(end=True)),
    (11.422, CALLER_MEDIA, MEDIA, key(end=True)),
    (11.4205, MEDIA, CALLER_MEDIA, sound(b"\xd5" * 16)),
    (11.421, MEDIA, CALLER_MEDIA, sound(SECOND)),
    (11.441, MEDIA, CALLER_MEDIA, sound(SECOND)),
    (11.93, SIP, CALLER_SIP, BYE),
)


def test_latencies_are_those_of_the_first_packets() -> None:
    (call,) = calls_of(pcap(*CALL), SIP)
    assert call.invite_ok_ms == pytest.approx(1.5, abs=0.001)
    assert call.digit_prompt_ms == pytest.approx(1.0, abs=0.001)
    assert call.ended == pytest.approx(11.93)


def test_a_repeated_invite_does_not_make_a_slow_contender_look_fast() -> None:
    late = ((10.0, CALLER_SIP, SIP, INVITE), (10.5, CALLER_SIP, SIP, INVITE))
    (call,) = calls_of(pcap(*late, (10.6, SIP, CALLER_SIP, OK)), SIP)
    assert call.invite_ok_ms == pytest.approx(600, abs=0.01)


def test_a_port_used_again_belongs_to_the_later_call() -> None:
    again = [(at + 5, *rest, data.replace(b"a@h", b"b@h")) for at, *rest, data in CALL]
    first, second = calls_of(pcap(*CALL, *again), SIP)  # type: ignore[arg-type]
    assert first.digit_prompt_ms == pytest.approx(second.digit_prompt_ms, abs=0.001)
    assert second.invited - first.invited == pytest.approx(5)


def test_silence_and_the_first_prompt_are_no_answer_to_a_key() -> None:
    assert is_second_prompt(sound(SECOND))
    assert not is_second_prompt(sound(FIRST))
    assert not is_second_prompt(sound(b"\xd5" * 16))
    assert not is_second_prompt(key(end=True))


def test_the_prompts_are_told_apart_by_their_period() -> None:
    first, second = tone(500, 1.0), tone(1000, 0.5)
    assert (len(first), len(second)) == (8000, 4000)
    assert second[:8] == second[8:16] != first[:8]
    assert first[:8] != first[8:16]


def test_a_call_without_answer_has_no_latency_and_counts_as_failed() -> None:
    times = calls_of(pcap((1.0, CALLER_SIP, SIP, INVITE)), SIP)
    assert times == [CallTimes(1.0)]
    load = Load(1, 1, 0, times, 0.0, 0.0)
    assert load.unserved(heard=True) == 1
    assert load.fault() == "1 of 1 calls failed"


def test_what_is_no_capture_is_refused() -> None:
    with pytest.raises(CaptureError):
        calls_of(bytes(100), SIP)
    assert calls_of(b"", SIP) == []


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.95, 95), (0.99, 99), (1.0, 100)])
def test_percentiles_are_nearest_ranks(share: float, value: int) -> None:
    assert percentile(list(range(100, 0, -1)), share) == value
    assert percentile([], share) is None


def _load(rate: int, calls: int, *, answer: float = 0.001, pace: float | None = None) -> Load:
    step = 1 / (pace or rate)
    times = [
        CallTimes(n * step, n * step + answer, 50.0, 50.001, n * step + answer + 1.95)
        for n in range(calls)
    ]
    return Load(rate, calls, 0, times, app_cpu=0.001 * calls, asterisk_cpu=0.002 * calls)


def test_a_rate_counts_only_if_it_was_offered_answered_in_time_and_without_failure() -> None:
    assert _load(100, 400).fault() == ""
    assert "p95" in _load(100, 400, answer=0.6).fault()
    assert "offered" in _load(100, 400, pace=80).fault()


@pytest.mark.parametrize("talk", [1.42, 6.1])
def test_a_call_whose_key_or_second_prompt_was_lost_counts_as_failed(talk: float) -> None:
    load = Load(1, 2, 0, [CallTimes(0.0, 0.0, ended=talk), CallTimes(1.0, 1.0, ended=2.95)], 0, 0)
    assert load.unserved(heard=False) == 1


def _limit(of: int) -> tuple[int, list[int]]:
    climb, tried = Climb(), []
    while (rate := climb.next()) is not None:
        tried.append(rate)
        climb.note(rate, "too fast" if rate > of else "")
    return climb.clean, tried


def test_the_search_for_the_highest_rate_ends_near_it_from_below() -> None:
    assert _limit(10) == (0, [25])
    assert _limit(110) == (110, [25, 40, 60, 90, 135, 110, 120])
    assert _limit(5000) == (1000, [25, 40, 60, 90, 135, 200, 300, 450, 675, 1000])
    for limit in range(25, 1100, 7):
        found, tried = _limit(limit)
        assert found <= limit
        assert found * 1.2 >= min(limit, 1000)
        assert len(tried) == len(set(tried)) <= 13


def test_the_row_adds_up_all_rounds() -> None:
    score = Score("client", [_load(20, 100), _load(20, 300)], climb=Climb(125))
    assert score.as_dict() == {
        "name": "client",
        "app_cpu_ms_per_call": 1.0,
        "asterisk_cpu_ms_per_call": 2.0,
        "invite_ok_ms": {"p50": 1.0, "p95": 1.0, "p99": 1.0},
        "digit_prompt_ms": {"p50": 1.0, "p95": 1.0, "p99": 1.0},
        "failed": 0,
        "max_rate": 125,
    }


def _row(name: str, cpu: float, p95: float, rate: int) -> dict[str, object]:
    digits = {"p50": 0.1, "p95": p95, "p99": 9.0}
    return {
        "name": name,
        "app_cpu_ms_per_call": cpu,
        "digit_prompt_ms": digits,
        "max_rate": rate,
    }


def test_goals_compare_what_they_say_they_compare() -> None:
    rows = [
        _row("dialplan", 0.0, 0.5, 200),
        _row("huisheng", 2.5, 1.0, 100),
        _row("client", 0.9, 0.8, 120),
        _row("asyncari", 10.0, 7.0, 25),
        _row("fastagi", 1.0, 0.6, 125),
    ]
    found = {goal.what: (goal.value, goal.met) for goal in goals(rows)}
    assert found == {
        "client / fastagi, CPU per call": (pytest.approx(0.9), True),
        "client / asyncari, CPU per call": (pytest.approx(0.09), True),
        "huisheng / client, CPU per call": (pytest.approx(2.78, abs=0.01), True),
        "huisheng / fastagi, p95 digit to prompt": (pytest.approx(1.67, abs=0.01), True),
        "client / dialplan, highest rate": (pytest.approx(0.6), True),
        "huisheng / dialplan, highest rate": (pytest.approx(0.5), True),
    }
    assert [goal.what for goal in goals(rows[1:3])] == ["huisheng / client, CPU per call"]


def test_calls_that_sipp_does_not_mention_have_failed() -> None:
    statistics = "Time;SuccessfulCall(C);FailedCall(C);\n1;3;0;\n2;7;1;\n"
    assert counted(statistics, 10).failed == 3
    assert counted("Time;SuccessfulCall(C);\n", 10).failed == 10


def test_callers_are_from_elsewhere_and_press_their_key_after_the_first_prompt() -> None:
    places = {locate(number_of(index), "022").area_code for index in (0, 7, CALLERS - 1)}
    assert places == {"010"}
    times = calls_of(media(), SIP)
    assert times == []
    assert media().count(struct.pack("!BBH", 5, 0x80 | 10, 960)) == 3
