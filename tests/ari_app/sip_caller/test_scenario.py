"""Scenarios and words: a hostile caller's name must reach the wire as it is and nowhere else."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from ari_app.sip_caller import (
    CallPlan,
    ExpectBye,
    HangUp,
    HangUpWhileRinging,
    Play,
    Press,
    Speak,
    Step,
    Wait,
)
from ari_app.sip_caller.caller import grouped
from ari_app.sip_caller.media import MOST_SECONDS, write_media
from ari_app.sip_caller.messages import Media
from ari_app.sip_caller.scenario import agent_scenario, caller_scenario
from ari_app.sip_caller.words import display, fits_injection, generic, injection, user_part

CAPTURE = Media("capture", Path("/tmp/a b&<c>.pcap"), 1.5)
STREAM = Media("stream", Path("/tmp/a.alaw"), 2.0, ((0.5, "1"), (1.0, "#")))
HOSTILE = '"; <sip:evil@x> ]]> [field0] & \r\nX-Evil: 1'


@pytest.mark.parametrize("injected", [False, True])
@pytest.mark.parametrize("media", [CAPTURE, STREAM])
@pytest.mark.parametrize(
    "steps", [(), (Wait(1), HangUp()), (ExpectBye(3),), (HangUpWhileRinging(1),)]
)
def test_every_scenario_is_xml_whose_jumps_lead_somewhere(
    steps: tuple[Step, ...], media: Media, injected: bool
) -> None:
    plan = CallPlan(HOSTILE, HOSTILE, steps, display_name=HOSTILE, headers=(("X", HOSTILE),))
    texts = [caller_scenario(plan, media, injected=injected)]
    if media is CAPTURE:
        texts += [agent_scenario(plan, media, rings=1, answer=answer) for answer in (200, 486)]
    for text in texts:
        root = ElementTree.fromstring(text)  # noqa: S314 - our own text
        labels = {label.get("id") for label in root.iter("label")}
        jumps = {e.get(a) for e in root.iter() for a in ("next", "ontimeout")} - {None}
        assert jumps <= labels
        assert "evil" not in text.lower()


def test_keys_without_privileges_travel_as_sip_info() -> None:
    text = caller_scenario(CallPlan("1", "2", (Press("1#"),)), STREAM, injected=False)
    assert text.count("INFO [next_url] SIP/2.0") == 2
    assert "Signal=1\n" in text
    assert "Signal=#\n" in text
    assert "play_pcap_audio" not in text


def test_a_withheld_number_is_known_to_the_carrier_only() -> None:
    text = caller_scenario(CallPlan("1", "2", privacy=True), CAPTURE, injected=False)
    assert 'From: "Anonymous" <sip:anonymous@anonymous.invalid>' in text
    assert "Privacy: id" in text
    assert "P-Asserted-Identity: [display]<sip:[caller]@[local_ip]>" in text


def test_text_is_quoted_for_sip_and_bytes_are_not() -> None:
    assert display('张"三\\') == '"张\\"三\\\\" '.encode()
    assert display(b'"\xff\r\n') == b'"\xff\r\n'
    assert display("") == b""
    assert user_part("+86 22<>@#5") == b"+86%2022%3C%3E%40%235"
    assert user_part(b"a\xff[b]") == b"a\xff[b]"


def test_callers_who_do_not_fit_a_line_get_a_sipp_of_their_own() -> None:
    same = [CallPlan(f"02212345{n}", "400", (Wait(1),)) for n in range(3)]
    odd = CallPlan("1", "400", (Wait(1),), display_name="a;b")
    other = CallPlan("1", "400", (Wait(2),))
    groups = grouped([same[0], odd, same[1], other, same[2]])
    assert [group.places for group in groups] == [(0, 2, 4), (1,), (3,)]
    assert not fits_injection(odd)
    table = injection(same)
    assert table == b"SEQUENTIAL\n;022123450;400;\n;022123451;400;\n;022123452;400;\n"


def test_headers_continue_a_line_so_that_none_ends_the_block() -> None:
    assert generic(CallPlan("1", "2"), with_caller=False) == ["-key", "headers", ""]
    plan = CallPlan("1", "2", headers=(("X-A", "b"),))
    assert generic(plan, with_caller=False)[-1] == "\r\nX-A: b"


def test_steps_become_the_sound_of_the_call(tmp_path: Path) -> None:
    (tmp_path / "own.alaw").write_bytes(b"\x2a" * 800)
    steps = (Speak("你好"), Press("1"), Play(tmp_path / "own.alaw"), Wait(1), ExpectBye(2))
    spoken = {"你好": b"\x2b" * 1600}
    media = write_media(CallPlan("1", "2", steps), spoken, tmp_path, privileged=False)
    assert media.seconds == pytest.approx(0.1 + 0.2 + 0.22 + 0.1 + 1.0)
    assert media.info == ((pytest.approx(0.3), "1"),)
    sound = media.path.read_bytes()
    assert len(sound) == round((media.seconds + 2) * 8000)
    assert sound[800:2400] == b"\x2b" * 1600


def test_an_endless_plan_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    plan = CallPlan("1", "2", (Wait(MOST_SECONDS),))
    with pytest.raises(ValueError, match="is the most"):
        write_media(plan, {}, tmp_path, privileged=True)


@pytest.mark.parametrize("steps", [(HangUp(), Wait(1)), (ExpectBye(1), Wait(1)),
                                   (Wait(1), HangUpWhileRinging(1))])  # fmt: skip
def test_steps_after_the_end_are_refused(steps: tuple[Step, ...]) -> None:
    with pytest.raises(ValueError, match="must be the"):
        CallPlan("1", "2", steps)


def test_a_key_that_no_telephone_has_is_refused() -> None:
    with pytest.raises(ValueError, match="telephone keys"):
        Press("1x")
