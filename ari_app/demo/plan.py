"""What the demo's people do: a customer in Tianjin complains, to the machine or to an agent."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ari_app.ivr.settings import Action
from ari_app.ivr.tree import MenuTree
from ari_app.ivr.walk import Ask, Key, LeaveMessage, Outcome, Person, Silence, Walk
from ari_app.prompts.cache import Prompts
from ari_app.recording_settings import RecordingSettings
from ari_app.sip_caller import AgentPlan, CallPlan, ExpectBye, HangUp, Press, Speak, Step, Wait
from ari_app.sip_caller.dialogue import AGENT, CALLER, Turn, steps_of
from desk.region import locate

NUMBER = "02227301234"
NAME = "演示客户"
COMPLAINT = "您好我要投诉产品质量太差了冰箱用了不到三个月就坏了"
WISH = "complaint"
TONE_SECONDS = 1.0
LISTEN_SECONDS = 1.5  # how much of a menu this caller hears before pressing a key
MOST_KEYS = 5
STAY_SECONDS = 60.0
RING_SECONDS = 1.0
SET_UP_SECONDS = 0.5  # what the machine itself takes, all in all
TALK = (
    Turn(AGENT, "您好请问有什么可以帮您"),
    Turn(CALLER, "您好我要投诉产品质量太差了"),
    Turn(AGENT, "请问您的订单号是多少"),
    Turn(CALLER, "订单号是二零二六零九一七三五"),
    Turn(AGENT, "请问您的手机号码是多少"),
    Turn(CALLER, "我的手机号是幺三八二零五七六九四八"),
    Turn(AGENT, "好的已经为您登记了"),
)


@dataclass(frozen=True, slots=True)
class TalkPlan:
    """A caller who wants a person of `team`, and what each of its agents does."""

    caller: CallPlan
    agent: AgentPlan
    team: str


def caller_plan(
    menus: MenuTree, prompts: Prompts, dialled: str, home_area_code: str, now: datetime
) -> CallPlan:
    """A call that reaches the message of these menus, by a complaint's keys where there are any.

    The plan follows the menus that are in force, so the demo works with menus of your own, and
    out of hours.
    """
    walk = _walk(menus, NUMBER, dialled, home_area_code, now)
    steps, outcome = _way(walk, prompts, lambda action: action.ticket == WISH)
    if isinstance(outcome, LeaveMessage):
        steps.append(Wait(prompts.seconds(outcome.prompt) + TONE_SECONDS))
    steps += [Speak(COMPLAINT), Wait(0.8), Press("#"), ExpectBye(STAY_SECONDS)]
    return CallPlan(NUMBER, dialled, tuple(steps), display_name=NAME)


def talk_plan(
    menus: MenuTree,
    prompts: Prompts,
    recording: RecordingSettings,
    dialled: str,
    home_area_code: str,
    now: datetime,
    *,
    number: str = NUMBER,
    name: str = NAME,
    talk: Sequence[Turn] = TALK,
) -> TalkPlan | None:
    """A call that presses for a person, and an agent who answers; None where the menus that are in
    force lead to no person. Raises PromptError.
    """
    walk = _walk(menus, number, dialled, home_area_code, now)
    steps, outcome = _way(walk, prompts, lambda action: action.person is not None)
    if not isinstance(outcome, Person):
        return None
    steps.append(Wait(_until_talk(prompts, recording, outcome)))
    steps += [*steps_of(talk, CALLER), HangUp()]
    agent = AgentPlan(RING_SECONDS, steps=(*steps_of(talk, AGENT), ExpectBye(STAY_SECONDS)))
    return TalkPlan(CallPlan(number, dialled, tuple(steps), display_name=name), agent, outcome.team)


def _walk(menus: MenuTree, number: str, dialled: str, home_area_code: str, now: datetime) -> Walk:
    return Walk(menus, menus.entry_for(locate(number, home_area_code), dialled, now).name)


def _way(
    walk: Walk, prompts: Prompts, wanted: Callable[[Action], bool]
) -> tuple[list[Step], Outcome]:
    """The keys, and where there is none for it the silence, that lead out of the menus."""
    steps: list[Step] = []
    outcome = walk.ask()
    for _ in range(MOST_KEYS):
        if not isinstance(outcome, Ask):
            break
        key = next((key for key, action in walk.menu.keys.items() if wanted(action)), None)
        heard = sum(prompts.seconds(name) for name in outcome.prompts)
        if key is not None:
            steps += [Wait(LISTEN_SECONDS if outcome.barge_in else heard + 0.5), Press(key)]
            outcome = walk.step(Key(key))
        else:
            steps.append(Wait(heard + outcome.timeout_seconds))
            outcome = walk.step(Silence())
    return steps, outcome


def _until_talk(prompts: Prompts, recording: RecordingSettings, outcome: Person) -> float:
    """From the key to the agent's answer."""
    seconds = prompts.seconds("connecting") + RING_SECONDS + SET_UP_SECONDS
    mode = recording.for_menu(outcome.record)
    if mode == "notice":
        seconds += prompts.seconds(recording.notice_prompt)
    elif mode == "ask":
        seconds += prompts.seconds(recording.ask_prompt) + recording.refuse_seconds
    return seconds
