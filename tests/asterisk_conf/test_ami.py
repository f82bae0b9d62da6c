"""Is a manager session honest: no silent failure, no second header, no lost character?"""

import asyncio
from collections.abc import AsyncIterator

import pytest

from asterisk_conf import ami
from asterisk_conf.errors import ManagerError
from asterisk_conf.secrets import Secrets
from asterisk_conf.server import AsteriskServer
from tests.rig.asterisk import BootAsterisk, pbx_settings
from tests.rig.ports import free_port

WRONG = Secrets("wrong", "wrong", {})


@pytest.fixture
async def session(asterisk: AsteriskServer) -> AsyncIterator[ami.AmiSession]:
    async with ami.session(asterisk.pbx, asterisk.secrets) as opened:
        yield opened


@pytest.mark.asterisk
async def test_a_refused_login_is_an_error_and_not_a_silence(asterisk: AsteriskServer):
    with pytest.raises(ManagerError, match="refuses user huisheng"):
        async with ami.session(asterisk.pbx, WRONG):
            pass


async def test_nobody_there_is_an_error_at_once_and_is_not_retried_behind_our_back():
    pbx = pbx_settings()
    with pytest.raises(ManagerError, match="not reachable"):
        async with ami.session(pbx, WRONG):
            pass


async def test_a_port_that_never_answers_is_given_up():
    pbx = pbx_settings(ami_port=free_port())

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read()
        finally:
            writer.close()

    async with await asyncio.start_server(mute, "127.0.0.1", pbx.ami_port):
        with pytest.raises(ManagerError, match="does not answer the login"):
            async with ami.session(pbx, WRONG, deadline=0.3):
                pass


@pytest.mark.asterisk
async def test_agents_names_arrive_whole(session: ami.AmiSession):
    members = await session.rows("QueueStatus", "QueueMember")
    assert [row["Name"] for row in members] == ["张敏", "李强", "王芳"]


async def test_a_chinese_character_in_two_packets_is_one_character():
    """What panoramisk alone loses: the first packet ends inside 张."""
    pbx = pbx_settings(ami_port=free_port())

    async def half_and_half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(b"Asterisk Call Manager/11.0.0\r\n")
            while request := await reader.read(4096):  # each action is one small packet
                action_id = request.decode().split("ActionID: ")[1].split("\r\n")[0]
                answer = (
                    f"Response: Success\r\nActionID: {action_id}\r\nMessage: 张敏\r\n\r\n".encode()
                )
                cut = answer.index("张".encode()) + 1
                writer.write(answer[:cut])
                await writer.drain()
                await asyncio.sleep(0.05)  # two packets, not one
                writer.write(answer[cut:])
        finally:
            writer.close()

    server = await asyncio.start_server(half_and_half, "127.0.0.1", pbx.ami_port)
    async with server, ami.session(pbx, WRONG) as session:
        (answer,) = await session.ask("Ping")
    assert answer["Message"] == "张敏"


@pytest.mark.asterisk
@pytest.mark.parametrize("value", ["a\r\nAction: Originate", "a\nb", "a\0b"])
async def test_a_line_break_does_not_become_a_second_header(session: ami.AmiSession, value: str):
    with pytest.raises(ValueError, match="line break"):
        await session.ask("Ping", Name=value)


@pytest.mark.asterisk
@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("Command", {"Command": "core show version"}),
        ("Originate", {"Channel": "PJSIP/1@carrier", "Application": "Echo"}),
        ("UpdateConfig", {"SrcFilename": "pjsip.conf", "DstFilename": "pjsip.conf"}),
        ("Setvar", {"Variable": "GLOBAL(x)", "Value": "1"}),
        ("Redirect", {"Channel": "x", "Context": "agents", "Exten": "8001", "Priority": "1"}),
    ],
)
async def test_the_manager_user_may_start_no_call_run_no_command_change_no_file(
    session: ami.AmiSession, action: str, fields: dict[str, str]
):
    with pytest.raises(ManagerError, match=r"[Pp]ermission"):
        await session.ask(action, **fields)


@pytest.mark.asterisk
async def test_a_reload_takes_up_a_new_agent_and_leaves_no_complaint(fresh_asterisk: BootAsterisk):
    from asterisk_conf import secrets
    from asterisk_conf.render import render, write
    from asterisk_conf.server import file_limit

    server = fresh_asterisk()
    agents = [
        *(agent.model_dump() for agent in server.pbx.agents),
        {"extension": "8009", "name": "新人", "team": "tianjin"},
    ]
    pbx = server.pbx.model_validate({**server.pbx.model_dump(), "agents": agents})
    passwords = secrets.load(server.paths.home.parent, pbx, {})
    changed = write(render(pbx, passwords, server.paths, max_files=file_limit()), server.paths.etc)
    assert changed == ["extensions.conf", "pjsip.conf", "queues.conf"]
    async with ami.session(pbx, passwords) as session:
        await session.reload()
        endpoints = await session.rows("PJSIPShowEndpoints", "EndpointList")
    assert "8009" in {row["ObjectName"] for row in endpoints}
    assert server.complaints() == []
