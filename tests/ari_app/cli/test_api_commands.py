"""The commands of a supervisor on a running line, over its API."""

import asyncio
import socket
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner, Result

from ari_app.cli.main import build
from desk import tickets, utterances
from desk.errors import NotPossibleNow
from desk.tickets import progress_calls
from desk.tickets.progress_calls import Outcome
from desk.utterances import NewUtterance
from tests.desk.api.conftest import Api, api
from tests.rig.samples import NOW, begin

__all__ = ["api"]


class Shell:
    """Commands with the address and a token in the environment, as a supervisor has them."""

    def __init__(self, api: Api, secret: str) -> None:
        self.environment = {"HUISHENG_URL": api.server.url, "HUISHENG_TOKEN": secret}

    async def __call__(self, *words: str, **environment: str) -> Result:
        def invoke() -> Result:
            return CliRunner(env={**self.environment, **environment}).invoke(
                build(words[0]), list(words), catch_exceptions=False
            )

        return await asyncio.to_thread(invoke)


@pytest.fixture
async def shell(api: Api) -> Shell:
    headers = await api.token("admin")
    return Shell(api, headers["Authorization"].removeprefix("Bearer "))


async def test_agents_are_listed_and_set(api: Api, shell: Shell) -> None:
    listed = await shell("agents")
    assert listed.exit_code == 0
    assert "8001" in listed.stdout
    assert "张敏" in listed.stdout
    assert "busy" in listed.stdout
    away = await shell("agents", "away", "8002", "--reason", "午休")
    assert (away.exit_code, away.stdout) == (0, "8002 李强: away (午休)\n")
    assert (await shell("agents", "ready", "8002")).stdout == "8002 李强: ready\n"
    assert [told[:4] for told in api.control.told] == [
        ("set_agent_state", "8002", "away", "午休"),
        ("set_agent_state", "8002", "ready", ""),
    ]
    nobody = await shell("agents", "ready", "9999")
    assert nobody.exit_code == 1
    assert "no agent has the extension '9999'" in nobody.stderr


async def test_live_calls_are_listed_with_their_stage(api: Api, shell: Shell) -> None:
    await api.db.write(begin, "c7")
    listed = (await shell("calls")).stdout
    assert "c7" in listed
    assert "welcome" in listed
    assert "c1" not in listed, "it is over"


async def test_progress_calls_answered_without_an_agent_are_counted(api: Api, shell: Shell) -> None:
    recently = datetime.now(UTC) - timedelta(hours=1)
    nothing = (await shell("calls", "told")).stdout
    assert "without an agent: 0\n" in nothing
    ticket = await api.db.read(tickets.by_number, "100014")
    assert ticket is not None
    for number, outcome in enumerate(("told", "solved", "person"), start=20):
        await api.db.write(begin, f"c{number}")
        await api.db.write(progress_calls.told, f"c{number}", ticket.id, "resolved", recently)
        await api.db.write(progress_calls.led_to, f"c{number}", Outcome(outcome))
    said = (await shell("calls", "told", "--days", "7")).stdout
    assert "of the last 7 days: 3" in said
    assert "without an agent: 2 (67%)" in said
    assert "went on to a person: 1" in said


@pytest.mark.parametrize(
    ("words", "told", "said"),
    [
        (["hold"], ("hold",), "c9: caller + 8001, held, recording on, transcript live\n"),
        (["resume"], ("resume",), "c9: caller + 8001, recording on, transcript live\n"),
        (["transfer", "8002"], ("transfer", "8002", "blind"), None),
        (["transfer", "8002", "--attended"], ("transfer", "8002", "attended"),
         "c9: caller + 8001, consults 8002, recording on, transcript live\n"),
        (["complete"], ("complete_transfer",), None),
        (["cancel"], ("cancel_transfer",), None),
        (["conference", "8002"], ("conference", "8002"), None),
        (["drop", "8001"], ("drop", "8001"), None),
        (["hangup"], ("hang_up",), "c9: nobody talks\n"),
        (["pause-recording"], ("pause_recording",), None),
        (["resume-recording"], ("resume_recording",), None),
        (["supervise", "8009", "--mode", "whisper"], ("supervise", "8009", "whisper"),
         "c9: caller + 8001 + 8009 (whisper), recording on, transcript live\n"),
        (["stop-supervising", "8009"], ("stop_supervising", "8009"), None),
    ],
)  # fmt: skip
async def test_a_call_is_told_what_to_do_and_what_comes_of_it_is_said(
    api: Api,
    shell: Shell,
    words: list[str],
    told: tuple[str, ...],
    said: str | None,
) -> None:
    done = await shell("calls", words[0], "c9", *words[1:])
    assert done.exit_code == 0, done.stderr
    assert api.control.told == [(told[0], "c9", *told[1:], "test")]
    assert said in (None, done.stdout)


async def test_a_talk_and_its_words_are_shown(api: Api, shell: Shell) -> None:
    assert (await shell("calls", "show", "c9")).stdout.startswith("c9: caller + 8001,")
    for number, live in enumerate((True, False)):
        said = NewUtterance(
            "c1", "l", number, "caller", NOW, 0.0, 1.0, "热线不通", [], 0.9, "vosk", live
        )
        await api.db.write(utterances.add, said, NOW)
    assert (await shell("calls", "transcript", "c1")).stdout == (
        "01:02:03 caller: 热线不通\n01:02:03 caller: 热线不通  (afterwards)\n"
    )


async def test_what_is_not_possible_is_one_sentence_with_the_mend(
    api: Api,
    shell: Shell,
) -> None:
    api.control.refuses = NotPossibleNow("8002 is in a call", "Choose another agent.")
    refused = await shell("calls", "transfer", "c9", "8002")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr == "8002 is in a call; Choose another agent\n"
    gone = await shell("calls", "hold", "../c9?x=1")
    assert gone.exit_code == 1
    assert "no call '../c9?x=1'" in gone.stderr or "is not served here" in gone.stderr
    wrong = await shell("calls", "drop", "c9", "x")
    assert "extension: " in wrong.stderr


async def test_a_token_or_a_line_that_is_missing_is_said_in_one_sentence(
    api: Api,
    shell: Shell,
) -> None:
    without = await shell("agents", HUISHENG_TOKEN="")
    assert without.exit_code == 2
    assert "huisheng token create" in without.stderr
    unknown = await shell("agents", "--token", "hs_wrong")
    assert unknown.exit_code == 1
    assert "unknown, expired or revoked" in unknown.stderr
    headers = await api.token("agents:read")
    secret = headers["Authorization"].removeprefix("Bearer ")
    lacking = await shell("agents", "ready", "8002", "--token", secret)
    assert "--scope agents:write" in lacking.stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    nobody = await shell("calls", "--url", f"http://127.0.0.1:{port}")
    assert nobody.exit_code == 1
    assert "huisheng run" in nobody.stderr
    nonsense = await shell("calls", "--url", "nonsense")
    assert nonsense.exit_code == 2


async def test_something_that_is_not_the_api_is_named_as_such(api: Api, shell: Shell) -> None:
    page = await shell("agents", "--url", f"{api.server.url}/metrics?")
    assert page.exit_code == 1
    assert len(page.stderr.splitlines()) == 1
