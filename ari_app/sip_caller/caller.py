"""Places calls: plans in, results out, one SIPp for all calls that share their steps."""

import asyncio
import secrets
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from ari_app.sip_caller.ears import Ears
from ari_app.sip_caller.errors import CallsTooLongError
from ari_app.sip_caller.invites import Invite, InviteLog, text
from ari_app.sip_caller.media import raw_sockets_allowed, texts_of, write_media
from ari_app.sip_caller.messages import Media
from ari_app.sip_caller.plan import CallPlan, ExpectBye, HangUpWhileRinging
from ari_app.sip_caller.ports import MOST_LISTENED, free_media_port, free_sip_port
from ari_app.sip_caller.scenario import caller_scenario
from ari_app.sip_caller.sipp import OnMessage, sipp
from ari_app.sip_caller.timeline import PACKET_SECONDS
from ari_app.sip_caller.trace import CallResult, SipMessage, result_of
from ari_app.sip_caller.voice import spoken
from ari_app.sip_caller.words import fits_injection, generic, injection

MARGIN_SECONDS = 15.0
"""What SIPp may need beyond the plan: start, retransmissions of the last BYE."""
_runs = count(1)


@dataclass(frozen=True, slots=True)
class Group:
    """Calls that one SIPp places. `places` are their positions among all plans."""

    plans: tuple[CallPlan, ...]
    places: tuple[int, ...]


async def place_call(
    plan: CallPlan,
    target: str = "127.0.0.1:5060",
    *,
    source: str = "127.0.0.1",
    listen: bool = False,
    deadline_seconds: float | None = None,
    invite_log: Path | None = None,
    on_message: OnMessage | None = None,
) -> CallResult:
    """Place one call; see `place_calls`."""
    results = await place_calls(
        [plan],
        target,
        source=source,
        listen=listen,
        deadline_seconds=deadline_seconds,
        invite_log=invite_log,
        on_message=on_message,
    )
    return results[0]


async def place_calls(
    plans: Sequence[CallPlan],
    target: str = "127.0.0.1:5060",
    *,
    rate: float = 10.0,
    at_once: int | None = None,
    source: str = "127.0.0.1",
    listen: bool = False,
    deadline_seconds: float | None = None,
    invite_log: Path | None = None,
    on_message: OnMessage | None = None,
) -> tuple[CallResult, ...]:
    """Place all calls and return their results in the order of `plans`.

    target: host:port of the line (UDP). source: local address that the calls come from.
    rate: new calls a second; at_once: most calls at the same time (1: one after another). Both
        hold for calls with the same steps; calls with other steps have a SIPp of their own,
        which runs at the same time.
    listen: keep what the callers hear (needs the privilege for raw sockets).
    deadline_seconds: for the calls of one SIPp; by default what they take and a margin.
    invite_log: a file to which a line is added for each call; see `invites`.
    on_message: called with each SIP message as it happens; must not raise.

    A refused or lost call is a result. Raises SippMissingError, SippFailedError,
    CallsTooLongError, PortsTakenError, PromptError (espeak-ng). Cancelling stops every SIPp.
    """
    groups = grouped(plans)
    order = Order(target, rate, at_once, source, listen, deadline_seconds, invite_log, on_message)
    results: list[CallResult | None] = [None] * len(plans)

    async def run(group: Group) -> None:
        for place, result in zip(group.places, await _run(group.plans, order), strict=True):
            results[place] = result

    try:
        async with asyncio.TaskGroup() as tasks:
            for group in groups:
                tasks.create_task(run(group), name=f"sip-caller-{group.places[0]}")
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from failures
    return tuple(result for result in results if result is not None)


@dataclass(frozen=True, slots=True)
class Order:
    """What all SIPp runs of one `place_calls` have in common."""

    target: str
    rate: float
    at_once: int | None
    source: str
    listen: bool
    deadline_seconds: float | None
    invite_log: Path | None
    on_message: OnMessage | None


def grouped(plans: Iterable[CallPlan]) -> list[Group]:
    """Calls with the same script go together, unless a caller's words do not fit an injection
    file; such a call stays alone."""
    together: dict[object, list[tuple[int, CallPlan]]] = {}
    for place, plan in enumerate(plans):
        key = plan.script if fits_injection(plan) else place
        together.setdefault(key, []).append((place, plan))
    return [
        Group(tuple(plan for _, plan in members), tuple(place for place, _ in members))
        for members in together.values()
    ]


async def _run(plans: Sequence[CallPlan], order: Order) -> list[CallResult]:
    script, calls = plans[0], len(plans)
    privileged = raw_sockets_allowed()
    sounds = await asyncio.to_thread(spoken, texts_of(script))
    run = f"{next(_runs)}-{secrets.token_hex(4)}"
    listened = min(calls, MOST_LISTENED) if order.listen and privileged else 0
    base = free_media_port(order.source, calls, listened=listened)
    with TemporaryDirectory(prefix="huisheng-sipp-") as name:
        folder = Path(name)
        media = await asyncio.to_thread(write_media, script, sounds, folder, privileged=privileged)
        most = round((media.seconds + MARGIN_SECONDS + _tail(script)) / PACKET_SECONDS)
        async with Ears(order.source, base, listened, most) as ears:
            messages = await _sipp_run(run, plans, media, folder, base, order)
            return [
                result_of(plan, _call_id(run, number), messages, ears.heard(number))
                for number, plan in enumerate(plans)
            ]


async def _sipp_run(
    run: str, plans: Sequence[CallPlan], media: Media, folder: Path, base: int, order: Order
) -> list[SipMessage]:
    injected = len(plans) > 1
    deadline = order.deadline_seconds or _longest(len(plans), plans[0], media, order)
    arguments: list[str | bytes | Path] = [
        order.target,
        *("-i", order.source, "-mi", order.source, "-bind_local"),
        *("-p", str(free_sip_port(order.source)), "-mp", str(base)),
        *("-m", str(len(plans)), "-r", str(max(1, round(order.rate * 10))), "-rp", "10000"),
        *("-cid_str", f"{run}-%u@huisheng", "-timer_resol", "1"),
        *("-timeout", str(round(deadline + MARGIN_SECONDS))),
    ]
    if order.at_once is not None:
        arguments += ["-l", str(order.at_once)]
    if injected:
        table = folder / "callers.csv"
        table.write_bytes(injection(plans))
        arguments += ["-inf", table]
    arguments += generic(plans[0], with_caller=not injected)
    scenario = caller_scenario(plans[0], media, injected=injected)
    with ExitStack() as logging:
        hear = order.on_message
        if order.invite_log is not None:
            hear = _noting(logging.enter_context(InviteLog(order.invite_log)), run, plans, hear)
        async with sipp(run, scenario, arguments, folder, hear) as child:
            try:
                async with asyncio.timeout(deadline):
                    await child.finished()
            except TimeoutError as error:
                raise CallsTooLongError(run, deadline) from error
    return list(child.messages)


def _noting(
    log: InviteLog, run: str, plans: Sequence[CallPlan], hear: OnMessage | None
) -> OnMessage:
    """Add each call to the log when its first INVITE goes out."""
    coming = {_call_id(run, number): plan for number, plan in enumerate(plans)}

    def note(message: SipMessage) -> None:
        if message.sent and message.is_request("INVITE") and message.call_id in coming:
            plan = coming.pop(message.call_id)
            log.add(Invite(message.at, message.call_id, text(plan.caller), text(plan.dialled)))
        if hear is not None:
            hear(message)

    return note


def _call_id(run: str, number: int) -> str:
    return f"{run}-{number + 1}@huisheng"


def _tail(plan: CallPlan) -> float:
    last = plan.steps[-1] if plan.steps else None
    return last.seconds if isinstance(last, ExpectBye | HangUpWhileRinging) else 0.0


def _longest(calls: int, plan: CallPlan, media: Media, order: Order) -> float:
    """What the calls take at most, by their plan."""
    one = plan.answer_seconds + media.seconds + _tail(plan)
    starts = calls / order.rate
    if order.at_once is not None:
        starts += one * (-(-calls // order.at_once) - 1)
    return starts + one + MARGIN_SECONDS
