"""Callers, a carrier and agents around a real Asterisk, each on a loopback address of its own."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from asterisk_conf.server import AsteriskServer
from tests.rig.asterisk import BootAsterisk
from tests.rig.ports import free_port
from tests.rig.sip import SipAgent, authorization

CARRIER, HOTLINE, STRANGER, PHONE = "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"
LEASE_SECONDS = 3


@dataclass(frozen=True)
class Ports:
    carrier: int
    hotline: int
    phone: int


@pytest.fixture(scope="session")
def world_ports() -> Ports:
    return Ports(free_port(), free_port(), free_port())


@pytest.fixture(scope="session")
def guarded(boot_asterisk: BootAsterisk, world_ports: Ports) -> AsteriskServer:
    """An Asterisk with two trunks and an agent that can all be told apart by address."""
    return boot_asterisk(
        lease_seconds=LEASE_SECONDS,
        trunks=[
            {
                "kind": "ip",
                "name": "carrier",
                "hosts": [CARRIER],
                "port": world_ports.carrier,
                "qualify_seconds": 0,
            },
            {
                "kind": "ip",
                "name": "hotline",
                "hosts": [HOTLINE],
                "port": world_ports.hotline,
                "trust_caller_id": False,
                "qualify_seconds": 0,
            },
        ],
        agents=[
            {
                "extension": "8001",
                "name": "张敏",
                "team": "tianjin",
                "contact": f"sip:8001@{PHONE}:{world_ports.phone}",
            }
        ],
    )


@dataclass(frozen=True)
class World:
    """Everybody who can send to, or be called by, the Asterisk."""

    carrier: SipAgent
    hotline: SipAgent
    stranger: SipAgent
    phone: SipAgent


@pytest.fixture
async def world(guarded: AsteriskServer, world_ports: Ports) -> AsyncIterator[World]:
    server = ("127.0.0.1", guarded.pbx.sip.port)
    agents = [
        await SipAgent.open(address, port, server)
        for address, port in (
            (CARRIER, world_ports.carrier),
            (HOTLINE, world_ports.hotline),
            (STRANGER, free_port()),
            (PHONE, world_ports.phone),
        )
    ]
    yield World(*agents)
    for agent in agents:
        agent.close()


async def dial_as_agent(server: AsteriskServer, phone: SipAgent, user: str) -> int:
    """Place a call with the agent's password; its final status, 0 if there was no answer."""
    call = phone.invite(user, caller="8001")
    try:
        challenge = await call.final(1)
    except TimeoutError:
        return 0
    if challenge.status != 401:
        return challenge.status
    header = authorization(challenge, call.uri, "8001", server.secrets.agents["8001"], "INVITE")
    again = phone.invite(user, header, caller="8001", cseq=2)
    return (await again.final(5)).status
