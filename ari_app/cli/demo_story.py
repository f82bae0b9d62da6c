"""`huisheng demo --story closed-loop`: the timeline as it happens, and a picture of the case."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ari_app.demo.closed_loop import Loop, closed_loop
from ari_app.demo.lines import private_line
from ari_app.demo.loop_line import loop_settings
from ari_app.demo.loop_words import OUTCOMES, sentence
from ari_app.demo.stage import rules_for
from ari_app.demo.watch import Audience
from ari_app.settings import Settings
from desk.tickets import STATUSES
from desk.timeline import Entry

LINE = "演示专用线路 / a private line"


async def play(settings: Settings, folder: Path, console: Console, *, quiet: bool) -> Loop:
    """Start a line, play the closed loop on it, and show both. `folder`: of routing.yaml."""
    async with private_line(settings, loop_settings) as line:
        if quiet:
            audience = Audience(lambda _: None, lambda _: None)
        else:
            console.print(f"☎ {LINE}: {line.target}", highlight=False)
            audience = Audience(
                lambda chapter: console.print(f"\n[bold]{chapter}[/bold]", highlight=False),
                lambda entry: _tell(console, entry),
            )
        loop = await closed_loop(line, rules_for(settings, folder), audience)
        if not quiet:
            show(console, loop)
        return loop


def show(console: Console, loop: Loop) -> None:
    """The case in short: its way, who confirmed, its times, its score."""
    ticket = loop.ticket
    console.print()
    _panel(
        console,
        f"工单 {ticket['number']} {ticket['subject']} / the case",
        {
            "负责 in charge": f"{ticket['team']} {ticket['assignee']}",
            "级别 level": f"{ticket['level']}",
            **{
                f"{clock(step['at'])} {STATUSES[step['status']]} {step['status']}": step["actor"]
                for step in loop.history
            },
            **dict(row for n, each in enumerate(loop.calls, 1) for row in _call(loop, n, each)),
            "确认 confirmed by": _confirmed(loop),
            **{f"时限 SLA {each['target']}{_round(loop, each)}": _sla(each) for each in loop.sla},
            "短信 SMS": " ".join(each["template"] for each in loop.messages),
            "评分 score": _score(loop),
            "CRM": f"{len(loop.delivered)} 条,按序 / messages, in order",
        },
    )
    console.print(f"✓ 用时 {loop.seconds:.0f} 秒 / it took {loop.seconds:.0f} s", highlight=False)


def clock(at: str) -> str:
    """A moment of the API on the clock of this machine."""
    return datetime.fromisoformat(at).astimezone().strftime("%H:%M:%S")


def _call(loop: Loop, number: int, call: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    outcome = OUTCOMES.get(call["outcome"], call["outcome"])
    ways = f"{call['shown']} → {call['e164']}"
    yield f"回访 call-back {number}", f"{clock(call['placed_at'])} {ways} {outcome}"
    said = next((one for one in loop.confirmations if one["call_id"] == call["call_id"]), None)
    if said is not None:
        kept = f"consent {call['consent']},录音 recording {said['recording_id']}"
        yield f"凭据 evidence {number}", f"身份 {said['identity']},{kept}"


def _confirmed(loop: Loop) -> str:
    closing = loop.ticket["confirmation_id"]
    said = next(one for one in loop.confirmations if one["id"] == closing)
    return f"客户本人 the customer, by {said['source']},第 {said['cycle']} 轮 cycle"


def _round(loop: Loop, target: Mapping[str, Any]) -> str:
    rounds = sum(each["target"] == target["target"] for each in loop.sla)
    return f" {target['cycle']}" if rounds > 1 else ""


def _sla(target: Mapping[str, Any]) -> str:
    hours = target["due_seconds"] / 3600
    return f"{target['state']},用去 {target['elapsed_seconds']:.0f} 秒,时限 {hours:g} 小时"


def _score(loop: Loop) -> str:
    answered = next(each for each in loop.surveys if each["points"] is not None)
    mean = "" if loop.customer_score is None else f",客户分 {loop.customer_score:.1f}"
    return f"{answered['points']} 分 {answered['comment']}{mean}"


def _tell(console: Console, entry: Entry) -> None:
    told = sentence(entry)
    if told is not None:
        at = entry.at.astimezone().strftime("%H:%M:%S")
        console.print(f"  {at}  {told}", markup=False, highlight=False, soft_wrap=True)


def _panel(console: Console, title: str, rows: Mapping[str, str]) -> None:
    table = Table.grid(padding=(0, 2))
    for name, value in rows.items():
        table.add_row(Text(name), Text(value))
    console.print(Panel(table, title=title, expand=False))
