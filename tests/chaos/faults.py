"""What breaks. Each fault breaks something at once, and has mended it when it returns."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.chaos.house import House
from tests.chaos.site import LEASE_SECONDS

Break = Callable[[House, Random], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Fault:
    """`asterisk`: the telephone exchange dies too, and every call with it. `long`: callers who do
    not talk are with the dialplan by then.
    """

    name: str
    happens: Break
    says: str
    asterisk: bool = False
    long: bool = False


async def kill(house: House, rng: Random) -> None:
    await house.kill()
    await asyncio.sleep(rng.uniform(0.0, 1.5))
    await house.start()


async def kill_long(house: House, rng: Random) -> None:
    await house.kill()
    await asyncio.sleep(rng.uniform(2.5, 4.0) * LEASE_SECONDS)
    await house.start()


async def freeze(house: House, rng: Random) -> None:
    house.freeze()
    await asyncio.sleep(rng.uniform(0.3, 0.6) * LEASE_SECONDS)
    house.thaw()


async def freeze_long(house: House, rng: Random) -> None:
    house.freeze()
    await asyncio.sleep(rng.uniform(2.6, 3.5) * LEASE_SECONDS)
    house.thaw()
    await house.ready()


async def asterisk(house: House, rng: Random) -> None:
    house.kill_asterisk()
    await asyncio.sleep(rng.uniform(0.0, 2.0))
    await house.start_asterisk()
    await house.ready()


async def both(house: House, rng: Random) -> None:
    if rng.random() < 0.5:
        house.kill_asterisk()
        await asyncio.sleep(rng.uniform(0.0, 0.3))
        await house.kill()
    else:
        await house.kill()
        await asyncio.sleep(rng.uniform(0.0, 3.0))
        house.kill_asterisk()
    await asyncio.sleep(rng.uniform(0.0, 2.0))
    await house.start()
    await house.start_asterisk()  # adopts it


async def recovery(house: House, rng: Random) -> None:
    await house.kill()
    for _ in range(rng.randint(2, 4)):
        await house.launch()
        # A start takes about two seconds until it takes over what is left.
        await asyncio.sleep(rng.uniform(0.5, 4.0))
        await house.kill()
    await house.start()


async def webhook(house: House, rng: Random) -> None:
    await house.crm.down()
    await kill(house, rng)


async def recogniser(house: House, rng: Random) -> None:
    house.ears.stall()
    await asyncio.sleep(rng.uniform(0.0, 2.0))
    await kill(house, rng)


FAULTS = {
    fault.name: fault
    for fault in (
        Fault("kill", kill, "kill -9, started again at once"),
        Fault("kill_long", kill_long, "kill -9, down longer than the lease", long=True),
        Fault("freeze", freeze, "SIGSTOP, SIGCONT within the lease"),
        Fault("freeze_long", freeze_long, "SIGSTOP, SIGCONT after the lease", long=True),
        Fault("asterisk", asterisk, "Asterisk killed, started again", asterisk=True),
        Fault("both", both, "both killed", asterisk=True),
        Fault("recovery", recovery, "kill -9, and again while it recovers", long=True),
        Fault("recogniser", recogniser, "kill -9 while a recogniser elsewhere has fallen silent"),
        Fault("webhook", webhook, "kill -9 while the webhook's target is down"),
    )
}


async def mend(house: House) -> None:
    """What a fault leaves broken for the rest of its round."""
    house.ears.go_on()
    with contextlib.suppress(RuntimeError):
        if house.crm._runner is None:
            await house.crm.up()
