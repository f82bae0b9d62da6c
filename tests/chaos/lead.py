"""Leading callers into the stages of a call, by what the application's API says of them."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from tests.chaos.cast import GONE, LEAVING, Caller
from tests.chaos.house import House
from tests.chaos.site import RINGING_AGENT, SUPERVISOR

REACH_SECONDS = 20.0
LOOK_SECONDS = 0.15


async def reach(house: House, callers: list[Caller]) -> None:
    """Lead every caller into the stage; who has not got there in time is told apart."""
    async with asyncio.TaskGroup() as group:
        for one in callers:
            group.create_task(_lead(house, one), name=f"lead {one.stage}")


async def _lead(house: House, one: Caller) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(REACH_SECONDS):
            await learn(house, one)
            await _LEADS.get(one.stage, _in_talk)(house, one)
            one.reached = True
    if not one.reached:
        one.notes.append("the stage was not reached")


async def learn(house: House, one: Caller) -> None:
    """The call's id, by the caller's number."""
    while not one.call_id:
        for call in (await house.get("calls?live=true&limit=100"))["items"]:
            if call["caller"]["caller_id"] == one.number:
                one.call_id = call["id"]
                return
        await asyncio.sleep(LOOK_SECONDS)


async def until(house: House, path: str, true: Callable[[Any], bool]) -> None:
    while not true(await house.get(path)):  # noqa: ASYNC110 - another process has no event
        await asyncio.sleep(LOOK_SECONDS)


async def _in_menu(house: House, one: Caller) -> None:
    await until(house, f"calls/{one.call_id}", lambda call: call["stage"] == "menu")
    if one.stage == "announcement":
        await asyncio.sleep(1.5)


async def _in_message(house: House, one: Caller) -> None:
    await until(house, f"calls/{one.call_id}", lambda call: call["stage"] == "message")
    await asyncio.sleep(2.5)  # prompt and tone are over, and something is said


async def _in_queue(house: House, one: Caller) -> None:
    await until(house, "queue", lambda queue: one.call_id in [w["call_id"] for w in queue["items"]])


async def _is_rung(house: House, one: Caller) -> None:
    await until(
        house,
        "agents",
        lambda agents: any(
            agent["extension"] == RINGING_AGENT and agent["state"] == "ringing"
            for agent in agents["items"]
        ),
    )


async def _in_talk(house: House, one: Caller) -> None:
    await parties(house, one, 2)
    match one.stage:
        case "hold":
            await house.order(f"calls/{one.call_id}/hold")
        case "consult":
            await house.order(f"calls/{one.call_id}/transfer", {"to": "8014", "kind": "attended"})
            await parties(house, one, 3)
        case "conference":
            await house.order(f"calls/{one.call_id}/conference", {"to": "8016"})
            await parties(house, one, 3)
        case "supervised":
            wanted = {"supervisor": SUPERVISOR, "mode": "listen"}
            await house.order(f"calls/{one.call_id}/supervise", wanted)
            await parties(house, one, 3)
        case "paused":
            await asyncio.sleep(4.0)  # what is said before is kept
            await house.order(f"calls/{one.call_id}/recording/pause")


async def parties(house: House, one: Caller, count: int) -> None:
    while await talk_of(house, one) is None:  # noqa: ASYNC110 - another process has no event
        await asyncio.sleep(LOOK_SECONDS)
    await until(house, f"calls/{one.call_id}/talk", lambda talk: len(talk["parties"]) >= count)


async def talk_of(house: House, one: Caller) -> Any:
    answer = await house.client.get(f"/api/v1/calls/{one.call_id}/talk")
    return answer.json() if answer.status_code == 200 else None


_LEADS: dict[str, Callable[[House, Caller], Awaitable[None]]] = {
    "menu": _in_menu,
    "announcement": _in_menu,
    GONE: _in_menu,
    "message": _in_message,
    "queue": _in_queue,
    LEAVING: _in_queue,
    "ringing": _is_rung,
}
