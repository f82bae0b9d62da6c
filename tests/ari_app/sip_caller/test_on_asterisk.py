"""A real Asterisk understands our callers: with privileges (RFC 4733) and without (SIP INFO)."""

import asyncio

import pytest

from ari_app.ari import ChannelDtmfReceived, Client
from ari_app.sip_caller import AgentPlan, CallPlan, ExpectBye, Press, Wait, agent_phone, place_call
from ari_app.sip_caller.media import raw_sockets_allowed
from asterisk_conf.render import ARI_USER
from asterisk_conf.server import AsteriskServer
from tests.rig.asterisk import LINE_NUMBER

pytestmark = pytest.mark.asterisk
KEYS = "1590*#"


async def _collect_keys(ari: Client) -> str:
    """Answer the next call, play a tone, note its keys, hang up."""
    async for start in ari.arrivals():
        channel = ari.channel(start.channel.id)
        with ari.listen(ChannelDtmfReceived, channels=[start.channel.id]) as events:
            await channel.answer()
            await channel.play("tone:1000")
            keys = ""
            while len(keys) < len(KEYS) and (event := await events.get(5)):
                keys += event.digit
        await channel.hangup()
        return keys
    raise AssertionError("the client ended before a call came")


@pytest.mark.parametrize("privileged", [True, False])
async def test_keys_arrive_and_the_tone_is_heard(
    asterisk: AsteriskServer, privileged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not privileged:
        monkeypatch.setattr("ari_app.sip_caller.caller.raw_sockets_allowed", lambda: False)
    plan = CallPlan("02287654321", LINE_NUMBER, (Wait(0.3), Press(KEYS), ExpectBye(5)))
    target = f"127.0.0.1:{asterisk.pbx.sip.port}"
    async with (
        Client(
            url=asterisk.ari_url,
            username=ARI_USER,
            password=asterisk.secrets.ari,
            application=asterisk.pbx.application,
        ) as ari,
        asyncio.TaskGroup() as tasks,
    ):
        keys = tasks.create_task(_collect_keys(ari), name="keys")
        result = await place_call(plan, target, listen=True)
    assert keys.result() == KEYS
    assert (result.status, result.ended_by) == (200, "them")
    if privileged:
        assert result.heard
        assert len(set(result.heard)) > 2, "a tone, not silence"


async def test_keys_of_an_agent_arrive(asterisk: AsteriskServer) -> None:
    if not raw_sockets_allowed():
        pytest.skip("an agent presses keys through raw sockets: root or CAP_NET_RAW")
    agent = asterisk.pbx.agents[1]
    port = int(str(agent.contact).rpartition(":")[2])
    steps = (Wait(0.3), Press(KEYS), ExpectBye(5))
    async with (
        Client(
            url=asterisk.ari_url,
            username=ARI_USER,
            password=asterisk.secrets.ari,
            application=asterisk.pbx.application,
        ) as ari,
        agent_phone(port, AgentPlan(rings=0.2, steps=steps)) as phone,
    ):
        channel = await ari.channels.originate(
            f"PJSIP/{agent.extension}", app=asterisk.pbx.application
        )
        with ari.listen(ChannelDtmfReceived, channels=[channel.id]) as events:
            keys = ""
            while len(keys) < len(KEYS) and (event := await events.get(5)):
                keys += event.digit
        await channel.hangup()
        await phone.ended()
    assert keys == KEYS


async def test_an_agent_whose_caller_gives_up_lets_go(asterisk: AsteriskServer) -> None:
    """Asterisk's CSeq is none that we chose: a refusal with a wrong one would be repeated for 32 s
    and keep the agent busy."""
    agent = asterisk.pbx.agents[0]
    port = int(str(agent.contact).rpartition(":")[2])
    async with (
        Client(
            url=asterisk.ari_url,
            username=ARI_USER,
            password=asterisk.secrets.ari,
            application=asterisk.pbx.application,
        ) as ari,
        agent_phone(port, AgentPlan(answer=None)) as phone,
    ):
        ringing = await ari.channels.originate(
            f"PJSIP/{agent.extension}", app=asterisk.pbx.application
        )
        async with asyncio.timeout(10):
            await phone.rang()
            await ringing.hangup()
            await phone.acknowledged()
        (call,) = phone.calls()
    assert (call.status, call.ended_by) == (487, "them")
