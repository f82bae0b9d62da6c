"""The API of a desk with a call, a ticket, a customer and a transcript, served for real."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import httpx
import pytest

from desk import customers, journal, recordings, tokens
from desk.api import ApiServer, Finding, SpeechModel, TargetState, create_app
from desk.db.engine import Database
from desk.recordings import NewRecording
from desk.settings import ApiSettings
from tests.rig.samples import NOW, call_with_ticket


@dataclass
class FakeLine:
    company: str = "示例公司"
    serving: list[str] = field(default_factory=list)
    trouble: str = ""

    def where_to_call(self) -> Sequence[str]:
        return ["sip:4001234567@127.0.0.1:5060"]

    def live_calls(self) -> Sequence[str]:
        return self.serving

    def speech(self) -> SpeechModel:
        return SpeechModel("small", "只懂合成语音 understands synthetic speech only")

    def targets(self) -> Sequence[TargetState]:
        return [TargetState("demo", "up")]

    async def findings(self) -> Sequence[Finding]:
        return [Finding("ari", not self.trouble, self.trouble or "connected", "start Asterisk")]


@dataclass
class Api:
    """A served API and clients for it."""

    db: Database
    line: FakeLine
    server: ApiServer
    http: httpx.AsyncClient

    async def token(self, *scopes: str) -> dict[str, str]:
        _, secret = await self.db.write(tokens.create, "test", scopes, NOW)
        return {"Authorization": f"Bearer {secret}"}

    async def get(self, path: str, *scopes: str) -> httpx.Response:
        headers = await self.token(*scopes) if scopes else {}
        return await self.http.get(path, headers=headers)


@pytest.fixture
async def api(db: Database) -> AsyncIterator[Api]:
    await db.write(
        customers.import_csv, "name,numbers,email\n张三,022-53456789,zhang@example.com\n", NOW
    )
    await db.write(call_with_ticket)
    heard = {
        "text": "请打 13812345678",
        "words": [{"text": "请", "start": 0.0, "end": 0.2, "confidence": 1.0}],
        "engine": "vosk small",
    }
    recording = NewRecording("c1", "m-c1", "/var/m-c1.wav", 4.25, "ab" * 32)
    recording_id = await db.write(recordings.add, recording, NOW)
    await db.write(recordings.add_transcript, recording_id, heard, NOW)
    await db.write(journal.end, "c1", "completed", NOW)
    line = FakeLine()
    app = create_app(db, settings=ApiSettings(port=0, stream_clients=3), line=line, now=lambda: NOW)
    async with (
        ApiServer(app) as server,
        httpx.AsyncClient(base_url=server.url, timeout=10) as http,
    ):
        yield Api(db, line, server, http)
