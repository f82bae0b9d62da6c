"""One line for all end-to-end tests of the session, with agents and a CRM; each module leaves it
quiet."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from ari_app.process import running_line
from ari_app.settings import load
from ari_app.sip_caller import (
    AgentPhone,
    AgentPlan,
    Answer,
    ExpectBye,
    HangUp,
    Speak,
    Wait,
    agent_phone,
)
from asterisk_conf.install import Installation
from tests.crm_bridge.receiver import SECRET, Receiver
from tests.e2e.line_rig import OPEN_HOURS, TARGET, Clock, Story, TestLine, Visit, write_config
from tests.rig import ports

AGENT_SAYS = "您好,请问有什么可以帮您"
AGENT_PLANS = {
    **{
        extension: AgentPlan(rings=0.2, steps=(Wait(0.5), Speak(AGENT_SAYS), ExpectBye(60)))
        for extension in ("8021", "8022", "8023", "8024")
    },
    "8001": AgentPlan(rings=0.3, answer=Answer.IS_BUSY),
    "8002": AgentPlan(rings=0.3, steps=(Wait(0.3), Speak("您好,请讲"), ExpectBye(30))),
    "8003": AgentPlan(answer=None),
    "8012": AgentPlan(rings=0.3, steps=(Wait(0.3), Speak("您好,请讲"), ExpectBye(30))),
    "8011": AgentPlan(rings=0.3, steps=(Wait(1.2), HangUp())),
}


@pytest.fixture(scope="session")
def secret() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(f"HUISHENG_WEBHOOK_{TARGET.upper()}_SECRET", SECRET)
        yield


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def crm(secret: None) -> AsyncIterator[Receiver]:
    async with Receiver(port=ports.free_port()) as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_line(
    installation: Installation, crm: Receiver, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[TestLine]:
    clock = Clock()
    config = write_config(tmp_path_factory.mktemp("line"), crm.url)
    ports.keep()
    settings = load(config)
    async with running_line(settings, config=config, own_lifetime=True, now=clock) as running:
        yield TestLine(running, clock, config)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def phones(shared_line: TestLine) -> AsyncIterator[dict[str, AgentPhone]]:
    """The agents' telephones, by extension."""
    async with AsyncExitStack() as stack:
        opened = {}
        for agent in shared_line.settings.pbx.agents:
            port = int(str(agent.contact).rpartition(":")[2])
            phone = agent_phone(port, AGENT_PLANS[agent.extension], listen=True, most_calls=100)
            opened[agent.extension] = await stack.enter_async_context(phone)
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def line(shared_line: TestLine) -> AsyncIterator[TestLine]:
    """The line in opening hours; afterwards nothing of the test's calls may be left."""
    shared_line.clock.set(OPEN_HOURS)
    yield shared_line
    await shared_line.quiet()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stories(
    request: pytest.FixtureRequest, shared_line: TestLine, phones: dict[str, AgentPhone]
) -> AsyncIterator[dict[str, Story]]:
    """What became of the module's `VISITS`, who all came at about the same time, `AT` its hour."""
    visits: dict[str, Visit] = request.module.VISITS
    shared_line.clock.set(getattr(request.module, "AT", OPEN_HOURS))
    yield await shared_line.visits(visits)
    await shared_line.quiet()
    shared_line.clock.set(OPEN_HOURS)
