"""What the demo's caller does: a customer in Tianjin complains."""

from datetime import datetime

from ari_app.ivr.tree import MenuTree
from ari_app.ivr.walk import Ask, Key, LeaveMessage, Silence, Walk
from ari_app.prompts.cache import Prompts
from ari_app.sip_caller import CallPlan, ExpectBye, Press, Speak, Step, Wait
from desk.region import locate

CALLER = "02227301234"
COMPLAINT = "您好我要投诉产品质量太差了冰箱用了不到三个月就坏了"
WISH = "complaint"
TONE_SECONDS = 1.0
LISTEN_SECONDS = 1.5  # how much of a menu this caller hears before pressing a key
MOST_KEYS = 5
STAY_SECONDS = 60.0


def caller_plan(
    menus: MenuTree, prompts: Prompts, dialled: str, home_area_code: str, now: datetime
) -> CallPlan:
    """A call that reaches the message of these menus, by a complaint's keys where there are any.

    The plan follows the menus that are in force, so the demo works with menus of your own, and
    out of hours.
    """
    entry = menus.entry_for(locate(CALLER, home_area_code), dialled, now)
    walk = Walk(menus, entry.name)
    steps: list[Step] = []
    outcome = walk.ask()
    for _ in range(MOST_KEYS):
        if not isinstance(outcome, Ask):
            break
        key = next((k for k, a in walk.menu.keys.items() if a.ticket == WISH), None)
        heard = sum(prompts.seconds(name) for name in outcome.prompts)
        if key is not None:
            steps += [Wait(LISTEN_SECONDS if outcome.barge_in else heard + 0.5), Press(key)]
            outcome = walk.step(Key(key))
        else:
            steps.append(Wait(heard + outcome.timeout_seconds))
            outcome = walk.step(Silence())
    if isinstance(outcome, LeaveMessage):
        steps.append(Wait(prompts.seconds(outcome.prompt) + TONE_SECONDS))
    steps += [Speak(COMPLAINT), Wait(0.8), Press("#"), ExpectBye(STAY_SECONDS)]
    return CallPlan(CALLER, dialled, tuple(steps), display_name="演示客户")
