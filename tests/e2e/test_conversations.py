"""Callers and agents talk in Mandarin, several talks at once; everything that is kept of each talk
agrees with what was said."""

import asyncio
import hashlib
import io
import wave
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from ari_app.sip_caller import AgentPlan, ExpectBye, HangUp, Wait, agent_phone
from asterisk_conf.install import Installation
from desk import recordings, tokens, utterances
from desk.recordings import Recording
from desk.utterances import Utterance
from tests.crm_bridge.receiver import Got, Receiver
from tests.e2e.dialogue import (
    AGENT,
    CALLER,
    GAP_SECONDS,
    Turn,
    caller_steps,
    error_rate,
    said_by,
    steps_of,
)
from tests.e2e.line_rig import Story, TestLine, own_line, tianjin
from tests.rig.ports import free_port

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.timeout(180),
]

UTTERANCE = "utterance.added"
MOST_ERRORS = 0.1
TURN_SLACK_SECONDS = 0.8
TALKS: dict[str, list[Turn]] = {
    "8101": [
        Turn(AGENT, "您好请问有什么可以帮您"),
        Turn(CALLER, "早上好我想了解一下退货的流程"),
        Turn(AGENT, "请问您的订单号是多少"),
        Turn(CALLER, "订单号是二零二六零九一七三五"),
        Turn(AGENT, "请问您的手机号码是多少"),
        Turn(CALLER, "我的手机号是幺三八二零五七六九四八"),
        Turn(AGENT, "好的已经为您登记了"),
    ],
    "8102": [
        Turn(AGENT, "请您稍等我查一下"),
        Turn(CALLER, "申请了三次退款都被拒绝了"),
        Turn(AGENT, "请问您的电话号码是多少"),
        Turn(CALLER, "手机号是幺三六七零九五二八四七"),
        Turn(CALLER, "请核实以后退还给我"),
        Turn(AGENT, "我们会尽快处理"),
    ],
    "8103": [
        Turn(CALLER, "换了新的硬盘速度还是很慢"),
        Turn(AGENT, "请说一下您的地址"),
        Turn(CALLER, "四号楼三单元五零二"),
        Turn(CALLER, "希望今天之内派师傅上门检修"),
        Turn(AGENT, "师傅明天上午上门"),
        Turn(CALLER, "明天下午三点到五点家里有人"),
        Turn(AGENT, "好的我马上为您登记"),
    ],
}
SUMMARIES = {
    "8101": "我想了解一下退货的流程",
    "8102": "申请了三次退款都被拒绝了",
    "8103": "换了新的硬盘速度还是很慢",
}
NUMBERS = {"8101": ("13820576948",), "8102": ("13670952847",), "8103": ()}
ORDERS = {"8101": ("2026091735",), "8102": (), "8103": ()}


@dataclass(frozen=True)
class Talked:
    """One talk, and all that is kept of it."""

    story: Story
    said: list[Utterance]
    kept: list[Recording]
    told: list[Got]
    shown: dict[str, Any]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def busy_line(
    installation: Installation, crm: Receiver, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[TestLine]:
    """A line whose three agents are all at their telephones."""
    ports = {extension: free_port() for extension in TALKS}

    def change(config: dict[str, Any]) -> None:
        config["pbx"]["agents"] = [
            {
                "extension": extension,
                "name": f"坐席{extension}",
                "team": "talkers",
                "contact": f"sip:{extension}@127.0.0.1:{port}",
            }
            for extension, port in ports.items()
        ]
        for key in ("main", "tianjin", "repair"):
            config["ivr"]["menus"][key]["keys"]["0"]["person"] = "talkers"

    folder = tmp_path_factory.mktemp("conversations")
    async with own_line(folder, crm.url, change) as line, AsyncExitStack() as phones:
        for extension, port in ports.items():
            steps = (*steps_of(TALKS[extension], AGENT), ExpectBye(30))
            plan = AgentPlan(rings=0.2, steps=steps)
            await phones.enter_async_context(agent_phone(port, plan, most_calls=10))
        yield line


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api(busy_line: TestLine) -> AsyncIterator[httpx.AsyncClient]:
    """A client that may read calls and listen to recordings."""
    db = busy_line.running.line.db
    scopes = ["calls:read", "recordings:listen", "unmasked"]
    _, secret = await db.write(
        tokens.create,
        "quality",
        scopes,
        busy_line.clock(),
        expires_at=busy_line.clock() + timedelta(days=1),
    )
    async with httpx.AsyncClient(
        base_url=f"{busy_line.running.url}/api/v1",
        headers={"Authorization": f"Bearer {secret}"},
        trust_env=False,
    ) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def talked(busy_line: TestLine, api: httpx.AsyncClient, crm: Receiver) -> dict[str, Talked]:
    """All talks at the same time, by agent."""

    async def one(extension: str) -> Talked:
        steps = caller_steps(extension, TALKS[extension])
        story = await busy_line.call(tianjin(), *steps, Wait(0.5), HangUp())
        db, call_id = busy_line.running.line.db, story.call.id
        last = max(entry.seq for entry in story.entries)
        await crm.until(  # other lines tell the same receiver, and count from one as well
            lambda: any(
                got.seq == last and got.message["data"]["call_id"] == call_id for got in crm.taken
            )
        )
        return Talked(
            story,
            await db.read(utterances.transcript, call_id),
            await db.read(recordings.of_call, call_id),
            [got for got in crm.taken if got.message["data"]["call_id"] == call_id],
            (await api.get(f"/calls/{call_id}/transcript")).raise_for_status().json(),
        )

    async with asyncio.TaskGroup() as group:
        tasks = {extension: group.create_task(one(extension)) for extension in TALKS}
    await busy_line.quiet()
    return {extension: task.result() for extension, task in tasks.items()}


@pytest.mark.parametrize("extension", TALKS)
@pytest.mark.parametrize("who", [CALLER, AGENT])
def test_fewer_than_a_tenth_of_the_characters_are_wrong_on_either_side(
    talked: dict[str, Talked], extension: str, who: str
) -> None:
    party = CALLER if who == CALLER else f"agent:{extension}"
    heard = "".join(one.text for one in talked[extension].said if one.party == party)
    assert error_rate(said_by(TALKS[extension], who), heard) < MOST_ERRORS


def test_more_than_ten_different_sentences_were_spoken() -> None:
    assert len({turn.text for turns in TALKS.values() for turn in turns}) > 10


@pytest.mark.parametrize("extension", TALKS)
def test_words_are_heard_live_from_the_right_speaker_in_the_order_in_which_they_were_said(
    talked: dict[str, Talked], extension: str
) -> None:
    turns, said = TALKS[extension], talked[extension].said
    assert all(one.live for one in said)
    speakers = [party.partition(":")[0] for party, _ in groupby(one.party for one in said)]
    assert speakers == [who for who, _ in groupby(turn.who for turn in turns)]
    times = [one.at for one in said]
    assert times == sorted(times)
    assert all(one.start < one.end for one in said)


@pytest.mark.parametrize("extension", TALKS)
def test_speakers_begin_when_they_began(talked: dict[str, Talked], extension: str) -> None:
    """Of one party: the time from one sentence to the next is that of what was spoken."""
    for who in (CALLER, AGENT):
        at, planned = 0.0, []
        for turn in TALKS[extension]:
            planned += [at] if turn.who == who else []
            at += turn.seconds + GAP_SECONDS
        found = [one.at for one in talked[extension].said if one.party.startswith(who)]
        assert len(found) == len(planned), "one utterance per sentence"
        for (a, b), (c, d) in zip(pairwise(planned), pairwise(found), strict=True):
            assert (d - c).total_seconds() == pytest.approx(b - a, abs=TURN_SLACK_SECONDS)


@pytest.mark.parametrize("extension", TALKS)
def test_api_shows_the_same_transcript(talked: dict[str, Talked], extension: str) -> None:
    shown = talked[extension].shown["utterances"]
    assert [(one["speaker"], one["text"], one["live"]) for one in shown] == [
        (one.party, one.text, one.live) for one in talked[extension].said
    ]


@pytest.mark.parametrize("extension", TALKS)
def test_ticket_has_the_digest_and_the_numbers_that_were_read_out_digit_by_digit(
    talked: dict[str, Talked], extension: str
) -> None:
    ticket = talked[extension].story.ticket
    assert ticket is not None
    assert ticket.type == "call"
    assert error_rate(SUMMARIES[extension], ticket.summary) < MOST_ERRORS
    assert tuple(ticket.found["numbers"]) == NUMBERS[extension]
    assert tuple(ticket.found["order_ids"]) == ORDERS[extension]


@pytest.mark.parametrize("extension", TALKS)
def test_webhook_tells_what_ticket_transcript_and_recordings_hold(
    talked: dict[str, Talked], extension: str
) -> None:
    talk = talked[extension]
    told = [(got.message["type"], got.message["data"]["body"] or {}) for got in talk.told]
    assert sorted(got.seq for got in talk.told) == [entry.seq for entry in talk.story.entries]
    words = {(body["leg"], body["number"]): body for kind, body in told if kind == UTTERANCE}
    assert {key: body["text"] for key, body in words.items()} == {
        (one.leg, one.number): one.text for one in talk.said
    }
    sums = {body["sha256"] for kind, body in told if kind == "recording.added"}
    assert sums == {one.sha256 for one in talk.kept}
    (digest,) = [got.message["data"] for got in talk.told if got.message["type"] == "digest.added"]
    assert talk.story.ticket is not None
    assert digest["ticket_id"] == talk.story.ticket.id
    assert digest["body"]["summary"] == talk.story.ticket.summary


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("extension", TALKS)
async def test_recordings_play_are_what_their_checksums_say_and_come_in_parts(
    talked: dict[str, Talked], extension: str, api: httpx.AsyncClient
) -> None:
    talk = talked[extension]
    kinds = {(one.kind, one.party) for one in talk.kept}
    assert kinds == {("party", CALLER), ("party", f"agent:{extension}"), ("mix", "")}
    listed = (await api.get(f"/calls/{talk.story.call.id}/recordings")).json()
    assert [one["id"] for one in listed] == [one.id for one in talk.kept]
    spoken = sum(turn.seconds + GAP_SECONDS for turn in TALKS[extension])
    for one in talk.kept:
        path = f"/recordings/{one.id}/audio"
        whole = await api.get(path)
        assert whole.status_code == 200
        assert hashlib.sha256(whole.content).hexdigest() == one.sha256
        assert hashlib.sha256(Path(one.path).read_bytes()).hexdigest() == one.sha256
        with wave.open(io.BytesIO(whole.content)) as audio:
            seconds = audio.getnframes() / audio.getframerate()
            assert len(set(audio.readframes(audio.getnframes()))) > 100, "speech, not silence"
        assert seconds == pytest.approx(one.seconds, abs=0.05)
        assert seconds == pytest.approx(spoken, abs=3.5)
        part = await api.get(path, headers={"Range": "bytes=1000-1999"})
        assert part.status_code == 206
        assert part.content == whole.content[1000:2000]
        assert part.headers["content-range"] == f"bytes 1000-1999/{len(whole.content)}"
    stranger = await api.get(path, headers={"Authorization": "Bearer nobody"})
    assert stranger.status_code == 401


def test_all_that_was_said_was_said_within_the_call(talked: dict[str, Talked]) -> None:
    for talk in talked.values():
        call = talk.story.call
        assert call.ended_at is not None
        assert all(call.received_at <= one.at <= call.ended_at for one in talk.said)
