"""What caller and agent of a talk have heard while something else broke, judged off the wire."""

from typing import TYPE_CHECKING

from tests.chaos.cast import Caller
from tests.chaos.sound import AGENT_HZ, CALLER_HZ, MOST_GAP_SECONDS, Flow, flow

if TYPE_CHECKING:
    from tests.chaos.round import Round

BUSY_SECONDS = 0.020
CALM_SECONDS = 5.0


def judge_talk(one: "Round") -> None:
    """While only we die, talking is as if nothing had happened, both ways."""
    if one.fault.asterisk:
        return
    for each in one.callers:
        if each.stage != "talk" or not each.reached:
            continue
        window = (one.fault_at, one.ending_at)
        caller = next(i for i in one.wire.from_callers() if i.number == each.number)
        agent = next(
            (i for i in one.wire.to_agents() if i.number == each.number and i.called_port), None
        )
        if agent is None:
            each.problems.append("no agent's telephone was rung for this caller")
            continue
        at = one.wire.heard_at
        ways = {
            "caller": (caller.caller_port, agent.caller_port, AGENT_HZ),
            "agent": (agent.called_port, caller.called_port, CALLER_HZ),
        }
        for who, (ear, mouth, hertz) in ways.items():
            heard, spoken = (flow(at(port), *window, hertz) for port in (ear, mouth))
            before = flow(at(ear), one.fault_at - CALM_SECONDS, one.fault_at - 0.2, hertz)
            _judge_flow(one, each, who, heard, spoken, before)


def _judge_flow(
    one: "Round", each: Caller, who: str, heard: Flow, sent: Flow, before: Flow
) -> None:
    one.flows.append(
        {
            "who": who,
            "packets": heard.packets,
            "gap_after_s": round(heard.gap_at - one.fault_at, 2),
            "paused_together": one.wire.paused_together(
                heard.gap_at, heard.gap_at + heard.longest_gap
            ),
            "jumps": heard.jumps,
            "tone": round(heard.tone, 4),
            "heard_gap_ms": round(heard.longest_gap * 1000, 1),
            "sent_gap_ms": round(sent.longest_gap * 1000, 1),
            "before_gap_ms": round(before.longest_gap * 1000, 1),
        }
    )
    each.notes.append(
        f"{who} heard {heard.packets} packets, longest gap {heard.longest_gap * 1000:.0f} ms "
        f"(sent: {sent.longest_gap * 1000:.0f} ms)"
    )
    if heard.jumps or heard.sources != 1:
        each.problems.append(f"{who}: {heard.jumps} jumps, {heard.sources} sources")
    if heard.tone < 0.95:
        each.problems.append(f"{who} heard the tone in {heard.tone:.0%} of the packets only")
    # A machine that is too busy to send evenly, or for an even sound before the fault, says nothing
    # of us: what is over 40 ms is counted in the table, before the fault and after it.
    most = max(MOST_GAP_SECONDS, sent.longest_gap, 2 * before.longest_gap) + BUSY_SECONDS
    if heard.longest_gap > most:
        each.problems.append(
            f"{who} heard nothing for {heard.longest_gap * 1000:.0f} ms, "
            f"sent was without a gap over {sent.longest_gap * 1000:.0f} ms"
        )
