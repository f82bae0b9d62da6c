"""From the steps of a plan to the file that SIPp plays."""

import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from ari_app.sip_caller.messages import Media
from ari_app.sip_caller.plan import (
    CallPlan,
    ExpectBye,
    HangUp,
    HangUpWhileRinging,
    Play,
    Press,
    Speak,
    Tone,
    Wait,
)
from ari_app.sip_caller.timeline import (
    OPENING_PACKETS,
    Keys,
    Segment,
    Silence,
    Sound,
    capture,
    packets,
    seconds_of,
    sound_of,
    tone,
)

MOST_SECONDS = 600
"""Longest timeline of one call: bounds the file that SIPp reads into memory (4.5 kB a second)."""
_OPENING_SECONDS = 0.1


def raw_sockets_allowed() -> bool:
    """Whether this process may send captures (root, or CAP_NET_RAW)."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP).close()
    except PermissionError:
        return False
    return True


def texts_of(plan: CallPlan) -> list[str]:
    """What the plan says, in order: to be spoken into files before the call."""
    return [step.text for step in plan.steps if isinstance(step, Speak)]


def segments_of(plan: CallPlan, spoken: Mapping[str, bytes]) -> list[Segment]:
    """The plan's steps as sound. `spoken` holds the A-law of each text."""
    most = 0 if plan.sparse else None
    segments: list[Segment] = [Silence(_OPENING_SECONDS, OPENING_PACKETS)]
    for step in plan.steps:
        match step:
            case Wait(seconds=seconds):
                segments.append(Silence(seconds, most))
            case Press(keys=keys):
                segments.append(Keys(keys))
            case Speak(text=text):
                segments.append(Sound(spoken[text]))
            case Play(path=path):
                segments.append(Sound(path.read_bytes()))
            case Tone(hz=hz, seconds=seconds):
                segments.append(Sound(tone(hz, seconds)))
            case ExpectBye() | HangUp() | HangUpWhileRinging():
                pass
    return segments


def tail_of(plan: CallPlan) -> list[Segment]:
    """The silence that a real telephone sends while it waits for the other side to hang up."""
    last = plan.steps[-1] if plan.steps else None
    if plan.sparse or not isinstance(last, ExpectBye):
        return []
    return [Silence(last.seconds)]


def write_media(
    plan: CallPlan, spoken: Mapping[str, bytes], folder: Path, *, privileged: bool
) -> Media:
    """Lay out the plan's sound in a file of `folder`.

    Raises ValueError for a plan over `MOST_SECONDS`.
    """
    segments = segments_of(plan, spoken)
    seconds = sum(map(seconds_of, segments))
    tail = tail_of(plan)
    total = seconds + sum(map(seconds_of, tail))
    if total > MOST_SECONDS:
        raise ValueError(f"the call would take {total:.0f} s; {MOST_SECONDS} s is the most")
    if privileged:
        path = folder / "media.pcap"
        path.write_bytes(capture(list(packets([*segments, *tail]))))
        return Media("capture", path, seconds)
    path = folder / "media.alaw"
    path.write_bytes(sound_of([*segments, *tail]))
    return Media("stream", path, seconds, tuple(_key_times(segments)))


def _key_times(segments: Sequence[Segment]) -> list[tuple[float, str]]:
    at, times = 0.0, []
    for segment in segments:
        if isinstance(segment, Keys):
            each = seconds_of(Keys("0"))
            times += [(at + number * each, key) for number, key in enumerate(segment.keys)]
        at += seconds_of(segment)
    return times
