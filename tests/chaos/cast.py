"""Who calls in a round, and what each does: one kind of caller for each stage of a call.

Callers and agents are SIPp. What they do is laid out beforehand, in seconds after the answer; what
happens to their talks is ordered over the application's API.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ari_app.sip_caller import (
    AgentPlan,
    CallPlan,
    ExpectBye,
    HangUp,
    Play,
    Press,
    Speak,
    Step,
    Wait,
)
from tests.chaos.site import AGENTS, BEIJING, QUEUE_AGENT, RINGING_AGENT
from tests.chaos.sound import AGENT_HZ, CALLER_HZ, SECRET_HZ, tone_file

SAYS = "我要退款"
WORD = "退款"
TIANJIN = "022"
SECRET_KEYS = "6222"
PATIENCE = 120.0
SPOKEN_EVERY = 4.2
MENU_UNTIL = 21.0  # callers in the menu choose so many seconds after the answer
SECRET_AFTER = 11.0
TONE_SECONDS = 90

STAGES = (
    "menu",
    "announcement",
    "queue",
    "ringing",
    "talk",
    "hold",
    "consult",
    "conference",
    "supervised",
    "wrap_up",
    "message",
    "paused",
    "deserted",
)
HEARD_ELSEWHERE = frozenset({"message", "supervised"})
GONE = "gone"  # hangs up in the menu while the fault may last
ARRIVING = "arriving"  # comes while the fault lasts
LEAVING = "leaving"  # waits in the queue and hangs up while the fault may last
TALKS = {
    "talk": "8011",
    "hold": "8012",
    "consult": "8013",
    "conference": "8015",
    "supervised": "8017",
    "wrap_up": "8019",
    "paused": "8020",
    "deserted": "8021",
}
ENDED = frozenset({"wrap_up", "deserted"})
"""Talks that end in the round: by the house just before the fault, by the agent about then."""
DESERTED_AFTER = 7.0
SPEAKING = frozenset({"menu", "announcement", "message", *TALKS}) - {"talk", "paused"}
"""Stages whose callers say `SAYS` at a time at which it is to be kept."""

_number = itertools.count(1)


@dataclass
class Caller:
    """One caller of a round. `call_id` is learnt from the API; a stage never reached stays so.
    `alone`: the dialplan has served the caller in the end."""

    stage: str
    number: str
    plan: CallPlan
    call_id: str = ""
    reached: bool = False
    alone: bool = False
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def new_number(area_code: str = TIANJIN) -> str:
    """A land line that nobody else has."""
    return f"{area_code}5{next(_number):07d}"


def caller(stage: str, dialled: str, sounds: Path) -> Caller:
    """A caller who comes for this stage."""
    number = new_number(BEIJING if stage in HEARD_ELSEWHERE else TIANJIN)
    return Caller(stage, number, CallPlan(number, dialled, steps_of(stage, sounds)))


def steps_of(stage: str, sounds: Path) -> tuple[Step, ...]:
    """What a caller of this stage does."""
    tells: tuple[Step, ...] = (
        *(Press("1"), Wait(2.0), Speak(SAYS), Wait(0.6), Press("#"), ExpectBye(60)),
    )
    if stage == "menu":
        return (Wait(MENU_UNTIL), *tells)
    if stage == "announcement":
        again = [step for _ in range(5) for step in (Press("3"), Wait(4.0))]
        return (Wait(1.5), *again, *tells)
    if stage == GONE:
        return (Wait(11.5), HangUp())
    if stage == "queue":
        return (Wait(1.0), Press("5"), ExpectBye(PATIENCE))
    if stage == LEAVING:
        return (Wait(1.0), Press("5"), Wait(12.0), HangUp())
    if stage == "ringing":
        return (Wait(1.0), Press("6"), ExpectBye(PATIENCE))
    if stage == "message":
        told = [step for _ in range(14) for step in (Speak(SAYS), Wait(0.4))]
        return (Wait(1.0), Press("1"), Wait(0.8), *told, Press("#"), ExpectBye(60))
    if stage == ARRIVING:
        told = [step for _ in range(5) for step in (Speak(SAYS), Wait(0.4))]
        return (Wait(1.0), *told, ExpectBye(60))
    dials = (Wait(1.0), Press(TALKS[stage]))
    if stage == "talk":
        return (*dials, Play(tone_file(sounds, CALLER_HZ, TONE_SECONDS)), ExpectBye(60))
    if stage == "paused":
        tone = Play(tone_file(sounds, SECRET_HZ, 3))
        secret = [step for _ in range(20) for step in (tone, Press(SECRET_KEYS))]
        return (*dials, Wait(3.0), Speak(SAYS), Wait(SECRET_AFTER - 5), *secret, ExpectBye(60))
    told = [step for _ in range(12) for step in (Wait(3.0), Speak(SAYS))]
    return (*dials, *told, ExpectBye(PATIENCE))


def agent_plans(sounds: Path) -> Iterator[tuple[str, AgentPlan]]:
    """What each agent's telephone does with a call, by extension."""
    tone = (Play(tone_file(sounds, AGENT_HZ, TONE_SECONDS)), ExpectBye(60))
    answers = (Wait(1.0), Speak("您好"), ExpectBye(PATIENCE))
    for extension in AGENTS:
        if extension == RINGING_AGENT:
            yield extension, AgentPlan(answer=None)
        elif extension == QUEUE_AGENT:
            yield extension, AgentPlan(rings=0.2, steps=(Wait(0.5), HangUp()))
        elif extension == TALKS["deserted"]:
            yield extension, AgentPlan(rings=0.3, steps=(Wait(DESERTED_AFTER), HangUp()))
        elif extension == TALKS["talk"]:
            yield extension, AgentPlan(rings=0.2, steps=tone)
        else:
            yield extension, AgentPlan(rings=0.3, steps=answers)
