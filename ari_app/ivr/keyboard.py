"""A walk through the menus by keyboard: the same state machine as a call, texts for sounds."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from rich.text import Text

from ari_app.ivr.picture import ASIDE, HEARD, KEY, NAME
from ari_app.ivr.settings import IvrSettings
from ari_app.ivr.walk import (
    Ask,
    AskCase,
    Choice,
    Extension,
    HangUp,
    Key,
    LeaveMessage,
    Outcome,
    Person,
    Silence,
    Walk,
)

KEYS = "0123456789*#"

Read = Callable[[str], str | None]
Show = Callable[[Text], None]


def walk_by_keyboard(walk: Walk, ivr: IvrSettings, read: Read, show: Show) -> Outcome | None:
    """Walk until the caller leaves the menus; the last outcome, or None if the caller hung up.

    `read(prompt)` gives a line of keys, `""` for silence, None for hanging up; `show` prints.
    """
    events: deque[Key | Silence] = deque()
    outcome = walk.ask()
    while isinstance(outcome, Ask):
        _hear(outcome.prompts, ivr, show)
        while not events:
            line = read(f"[{outcome.menu}]{outcome.digits}> ")
            if line is None:
                show(Text("主叫挂机 the caller hangs up", ASIDE))
                return None
            events.extend(_events(line.strip(), show))
        outcome = walk.step(events.popleft())
        if outcome.choice is not None:
            show(_chosen(outcome.choice))
    _end(outcome, ivr, show)
    return outcome


def _events(line: str, show: Show) -> Iterator[Key | Silence]:
    if not line:
        yield Silence()
    for character in line:
        if character in KEYS:
            yield Key(character)
        else:
            show(Text(f"{character}: 电话上没有此键 no telephone has this key", ASIDE))


def _hear(prompts: Sequence[str], ivr: IvrSettings, show: Show) -> None:
    for name in prompts:
        prompt = ivr.prompts[name]
        show(
            Text.assemble("  ", (f"“{prompt.text}”" if prompt.text else f"♪ {prompt.file}", HEARD))
        )


def _chosen(choice: Choice) -> Text:
    ticket = f"  工单 ticket {choice.ticket}" if choice.ticket else ""
    key = choice.key or "静默或错键 silence or wrong keys"
    return Text.assemble((f"  [{key}]", KEY), f" {choice.label} ", (choice.verb + ticket, ASIDE))


def _end(outcome: Outcome, ivr: IvrSettings, show: Show) -> None:
    match outcome:
        case LeaveMessage(prompt=prompt):
            _hear([prompt], ivr, show)
            show(Text("→ 留言 a message is recorded", NAME))
        case Person(team=team):
            asked = [*sorted(outcome.skills), outcome.language, "urgent" if outcome.urgent else ""]
            aside = "".join(f" · {word}" for word in asked if word)
            show(Text.assemble((f"→ 人工 connected to a person of {team}", NAME), (aside, ASIDE)))
        case Extension(number=number):
            show(Text(f"→ 分机 connected to extension {number}", NAME))
        case AskCase():
            show(Text("→ 查询工单 the number of a case is asked for", NAME))
        case HangUp(prompts=prompts):
            _hear(prompts, ivr, show)
            show(Text("→ 挂机 the call ends", NAME))
        case Ask():  # pragma: no cover - the walk above goes on while it asks
            pass
