"""Can anybody who calls in make us call out? Every pattern we can think of is dialled."""

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
import pytest

from asterisk_conf.server import AsteriskServer
from tests.asterisk_conf.conftest import World, dial_as_agent
from tests.rig.asterisk import LINE_NUMBER
from tests.rig.sip import SipAgent

pytestmark = pytest.mark.asterisk

NUMBERS = [
    "13800138000",
    "013800138000",
    "913800138000",
    "9013800138000",
    "0013800138000",
    "+8613800138000",
    "0014155550100",
    "+14155550100",
    "00914155550100",
    "02287654321",
    "87654321",
    "110",
    "95588",
    "955881234567",
    "10086",
    "12345",
    "1",
    "0",
    "9",
    "#",
    "*",
    "4001234568",
    "400123456",
    f"{LINE_NUMBER}0",
    f"9{LINE_NUMBER}",
    f"{LINE_NUMBER}%2C13800138000",
    f"{LINE_NUMBER}w13800138000",
]
EXTENSIONS = ["8001", "8002", "*43", "*70", "*77", "**8001", "*8", "#1", "*2", "*72%2C8001"]
SPECIAL = ["s", "h", "t", "T", "i", "o", "a", "e", "fax", "failed", "hangup", "_.", "_X.", "_!"]
NAMES = [
    "carrier",
    "hotline",
    "from-trunk",
    "agents",
    "huisheng",
    "huisheng-line",
    "huisheng-agents",
    "huisheng-fallback",
    "default",
    "root",
    "admin",
    "PJSIP",
]
SYNTAX = [
    "PJSIP%2F13800138000%40carrier",
    "13800138000%40carrier",
    "carrier%2F13800138000",
    "8001%26PJSIP%2Fcarrier",
    "13800138000%26PJSIP%2F13800138000%40carrier",
    "Local%2F8001%40agents",
    "8001%40agents",
    "8001%40huisheng-agents",
    "s%40huisheng-fallback",
    "%24%7BSHELL(id)%7D",
    "${SHELL(id)}",
    "$%7BEXTEN%7D",
    "$[1+1]",
    f"{LINE_NUMBER}%2C1%2CDial(PJSIP%2Fcarrier)",
    f"{LINE_NUMBER}%0D%0A8001",
    "8001%0Aexten=>s",
    "%00",
    f"%00{LINE_NUMBER}",
    f"{LINE_NUMBER}%00@x",
    "%20",
    "%25",
    "%2500",
    "%FF%FE",
    "%E5%BC%A0",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "8001;transfer=1",
    "8001;user=phone",
    "13800138000;phone-context=+86",
    "13800138000:secret",
    "8001?Replaces=x",
    "!",
    "~",
    "'",
    "|id",
    "`id`",
    ";id",
    "&&id",
    "\\",
    "a" * 60,
    "9" * 79,
    "9" * 80,
    "9" * 255,
    "9" * 4000,
    "",
]
HOSTILE = NUMBERS + EXTENSIONS + SPECIAL + NAMES + SYNTAX
REACHED = {200}
SIMULTANEOUS = 10


async def _dial_all(agent: SipAgent, users: list[str]) -> dict[str, int]:
    """The final status for every user part; 0 if the request was too broken to be answered."""

    async def dial(user: str) -> int:
        try:
            return (await agent.invite(user).final(1)).status
        except TimeoutError:
            return 0

    return await _a_few_at_a_time(dial, users)


async def _a_few_at_a_time(
    dial: Callable[[str], Awaitable[int]], users: list[str]
) -> dict[str, int]:
    turns = asyncio.Semaphore(SIMULTANEOUS)

    async def in_turn(user: str) -> tuple[str, int]:
        async with turns:
            return user, await dial(user)

    return dict(await asyncio.gather(*(in_turn(user) for user in users)))


async def _nobody_was_called(world: World) -> None:
    """Asterisk has nothing left to say, and none of the four was sent an INVITE."""
    for agent in (world.carrier, world.hotline, world.stranger, world.phone):
        assert agent.invites == []


async def _channels(server: AsteriskServer) -> str:
    return (await server.cli("core show channels count")).splitlines()[0]


@pytest.mark.parametrize("side", ["carrier", "hotline"])
async def test_a_caller_on_a_trunk_reaches_the_published_numbers_and_nothing_else(
    guarded: AsteriskServer, world: World, side: str
):
    statuses = await _dial_all(getattr(world, side), HOSTILE)
    reached = {user: status for user, status in statuses.items() if status in REACHED}
    assert reached == {}
    assert {statuses[user] for user in NUMBERS} == {404}
    await _nobody_was_called(world)
    assert await _channels(guarded) == "0 active channels"


async def test_an_unknown_address_reaches_nothing_at_all(guarded: AsteriskServer, world: World):
    statuses = await _dial_all(world.stranger, [*HOSTILE, LINE_NUMBER])
    assert not [user for user, status in statuses.items() if status in REACHED]
    assert statuses[LINE_NUMBER] == 401
    await _nobody_was_called(world)
    assert await _channels(guarded) == "0 active channels"


async def test_a_transfer_asked_for_outside_any_call_is_refused(world: World):
    for agent in (world.carrier, world.stranger):
        call = agent.invite("8001")
        await call.final()
        call.remote_to = ""
        answer = await call.ask("REFER", "Refer-To: <sip:13800138000@127.0.0.1>")
        assert answer.status >= 400
    await _nobody_was_called(world)


async def test_a_stranger_who_says_he_is_an_agent_or_the_trunk_is_asked_for_a_password(
    world: World,
):
    for name in ("8001", "carrier", "hotline", "huisheng"):
        call = world.stranger.invite("13800138000", caller=name)
        assert (await call.final()).status == 401
    await _nobody_was_called(world)


async def test_a_stranger_cannot_register_as_an_agent_without_the_password(world: World):
    address = world.stranger.address
    call = world.stranger.invite("8001")  # for a Call-ID whose answers we see
    await call.final()
    register = (
        f"REGISTER sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {address};branch=z9hG4bKreg;rport\r\n"
        f"Max-Forwards: 70\r\nFrom: <sip:8001@127.0.0.1>;tag=reg\r\nTo: <sip:8001@127.0.0.1>\r\n"
        f"Call-ID: {call.call_id}\r\nCSeq: 7 REGISTER\r\nContact: <sip:8001@{address}>\r\n"
        "Expires: 60\r\nContent-Length: 0\r\n\r\n"
    )
    world.stranger.send(register)
    async with asyncio.timeout(5):
        while (answer := await call.responses.get()).method != "REGISTER":
            pass
    assert answer.status in (401, 403, 404)


async def test_an_agents_phone_cannot_reach_a_trunk_by_dialling(
    guarded: AsteriskServer, world: World
):
    users = [user for user in HOSTILE if user not in {"8001", "*43", "*70", "*77"}]
    statuses = await _a_few_at_a_time(lambda user: dial_as_agent(guarded, world.phone, user), users)
    assert {user: status for user, status in statuses.items() if status in REACHED} == {}
    assert {statuses[user] for user in NUMBERS} == {404}
    assert world.carrier.invites == []
    assert world.hotline.invites == []


async def test_an_agent_may_ring_a_colleague_and_the_echo_test(
    guarded: AsteriskServer, world: World
):
    assert await dial_as_agent(guarded, world.phone, "8001") == 486  # our own phone is busy
    assert len(world.phone.invites) == 1
    assert await dial_as_agent(guarded, world.phone, "*43") == 200
    await guarded.cli("channel request hangup all")


async def test_a_transfer_asked_for_from_the_carriers_side_is_refused(
    guarded: AsteriskServer, world: World
):
    call = world.carrier.invite(LINE_NUMBER)
    assert (await call.final()).status == 200
    for target in (
        f"sip:13800138000@{world.hotline.address}",
        "sip:8001@127.0.0.1",
        "sip:13800138000@127.0.0.1",
    ):
        answer = await call.ask("REFER", f"Refer-To: <{target}>", f"Referred-By: <{call.uri}>")
        assert answer.status >= 400
    assert (await call.ask("BYE")).status == 200
    await _nobody_was_called(world)


async def test_this_test_would_notice_a_call_to_the_carrier(guarded: AsteriskServer, world: World):
    """The application may call out, over ARI; the same socket that stayed silent above rings."""
    login = aiohttp.encode_basic_auth("huisheng", guarded.secrets.ari)
    async with (
        aiohttp.ClientSession(headers={"Authorization": login}) as session,
        session.post(
            f"{guarded.ari_url}/channels",
            params={
                "endpoint": "PJSIP/13800138000@carrier",
                "extension": "8001",
                "context": "agents",
            },
        ) as response,
    ):
        assert response.status == 200
    async with asyncio.timeout(5):
        await world.carrier.arrived.wait()
    assert "13800138000" in world.carrier.invites[0].first_line
