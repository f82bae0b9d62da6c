"""Recordings of calls: what there is, and the audio itself, each listening on the record."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import structlog
from fastapi import Depends, Header, Request
from pydantic import Field
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from desk import recordings
from desk.api.access import Reader, reader
from desk.api.calls import within_reach
from desk.api.models import RecordingOut
from desk.api.problems import Problem, ProblemDetails, not_found
from desk.api.ranges import Span, Unsatisfiable, asked
from desk.api.room import MISSING, CallId, Desk, Id, room
from desk.api.state import ApiState
from desk.recordings import FileMissing, OpenFile, Recording, Store, StoreError

log = structlog.get_logger()

SCOPE = "recordings:listen"
_AUDIO: dict[int | str, dict[str, Any]] = {
    **MISSING,
    200: {"content": {"audio/wav": {}}, "description": "the whole file"},
    206: {"content": {"audio/wav": {}}, "description": "the part that Range asks for"},
    410: {"model": ProblemDetails, "description": "deleted: its time was over"},
    416: {"model": ProblemDetails, "description": "the file has no such part"},
    500: {"model": ProblemDetails, "description": "the file is lost, damaged, or lacks its key"},
}

router = room("recordings")


class RecordingFile(RecordingOut):
    """A recording, what was recognised in it, and where its audio is."""

    call_id: str
    bytes: int = Field(description="of the audio file; 0: not known")
    audio: str | None = Field(description="path of the audio; null once it was deleted")


def recordings_store(request: Request) -> Store:
    """A dependency: where the files are (`create_app` was told).

    Raises:
        Problem: this process has none.
    """
    store: Store | None = request.app.state.recordings
    if store is None:
        raise Problem(
            503,
            "no-recordings-here",
            "No recordings here",
            "This process does not have the recordings' folder.",
            "Ask the process that serves the line.",
        )
    return store


Files = Annotated[Store, Depends(recordings_store)]
Listener = Annotated[Reader, Depends(reader(SCOPE))]


@router.get("/calls/{call_id}/recordings", responses=MISSING)
async def list_recordings(
    desk: Desk, who: Annotated[Reader, Depends(reader("calls:read"))], call_id: CallId
) -> list[RecordingFile]:
    """The recordings of a call, oldest first. Scope `calls:read`."""
    masked = await within_reach(desk, who, call_id)
    found = await desk.db.read(recordings.of_call, call_id)
    return [await _shown(desk, recording, masked) for recording in found]


@router.get("/recordings/{recording_id}", responses=MISSING)
async def get_recording(
    desk: Desk, who: Annotated[Reader, Depends(reader("calls:read"))], recording_id: Id
) -> RecordingFile:
    """One recording. Scope `calls:read`."""
    recording = await _recording(desk, recording_id)
    return await _shown(desk, recording, await within_reach(desk, who, recording.call_id))


@router.get("/recordings/{recording_id}/audio", response_class=Response, responses=_AUDIO)
async def get_audio(
    desk: Desk,
    who: Listener,
    files: Files,
    recording_id: Id,
    wanted: Annotated[str | None, Header(alias="Range", description="like bytes=0-65535")] = None,
    if_range: Annotated[str | None, Header(description="the ETag that the range is of")] = None,
) -> Response:
    """The audio file (WAV), whole or a part of it. Who listened to what goes to the timeline, as
    `recording.accessed`. Scope `recordings:listen`.
    """
    await within_reach(desk, who, (await _recording(desk, recording_id)).call_id)
    recording, file = await _opened(desk, files, recording_id)
    etag = f'"{recording.sha256}"'
    try:
        with _problems(file.size):
            part = asked(wanted, if_range, etag, file.size)
            span = part or Span(0, file.size, file.size)
            blocks = file.blocks(span.start, span.stop)
            first = await asyncio.to_thread(next, blocks, b"")
        await desk.db.write(recordings.accessed, recording.id, who.actor, desk.now())
    except BaseException:
        file.close()
        raise
    headers = _headers(recording, etag, span.length)
    if part is not None:
        headers["Content-Range"] = part.content_range
    return _Audio(file, first, blocks, 206 if part is not None else 200, headers)


@router.head("/recordings/{recording_id}/audio", include_in_schema=False)
async def head_audio(desk: Desk, who: Listener, files: Files, recording_id: Id) -> Response:
    """What GET says of the whole file, without it; nobody listens."""
    await within_reach(desk, who, (await _recording(desk, recording_id)).call_id)
    recording, file = await _opened(desk, files, recording_id)
    file.close()
    return Response(headers=_headers(recording, f'"{recording.sha256}"', file.size))


class _Audio(StreamingResponse):
    """Sends blocks of an open file and closes it, whatever happens."""

    def __init__(
        self,
        file: OpenFile,
        first: bytes,
        blocks: Iterator[bytes],
        status: int,
        headers: dict[str, str],
    ) -> None:
        super().__init__(_sent(first, blocks), status, headers)
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except StoreError as error:
            # Too late for a problem. The connection ends before the promised length: that tells.
            log.error("recording not sent whole", path=scope["path"], error=str(error))
        finally:
            self._file.close()


async def _sent(first: bytes, blocks: Iterator[bytes]) -> AsyncIterator[bytes]:
    block = first
    while block:
        yield block
        block = await asyncio.to_thread(next, blocks, b"")


async def _recording(desk: ApiState, recording_id: int) -> Recording:
    found = await desk.db.read(recordings.get, recording_id)
    if found is None:
        raise not_found(
            f"recording {recording_id}", "GET /api/v1/calls/{call_id}/recordings lists them."
        )
    return found


async def _shown(desk: ApiState, recording: Recording, masked: bool) -> RecordingFile:
    found = await desk.db.read(recordings.transcript_of, recording.id)
    return RecordingFile(
        **RecordingOut.of(recording, found, masked).model_dump(),
        call_id=recording.call_id,
        bytes=recording.bytes,
        audio=None if recording.deleted_at else f"/api/v1/recordings/{recording.id}/audio",
    )


async def _opened(desk: ApiState, store: Store, recording_id: int) -> tuple[Recording, OpenFile]:
    """The recording and its file; once more if the file was encrypted or deleted meanwhile."""
    recording = await _kept(desk, recording_id)
    with _problems():
        try:
            return recording, await asyncio.to_thread(store.open, recording)
        except FileMissing:
            again = await _kept(desk, recording_id)
            if again.path == recording.path:
                raise
            return again, await asyncio.to_thread(store.open, again)


async def _kept(desk: ApiState, recording_id: int) -> Recording:
    recording = await _recording(desk, recording_id)
    if recording.deleted_at is not None:
        raise Problem(
            410,
            "recording-deleted",
            "Deleted",
            f"Recording {recording_id} was deleted on {recording.deleted_at:%Y-%m-%d}.",
            "recording.retention_days in config.yaml says how long recordings are kept; what was "
            "recognised in it is still there.",
        )
    return recording


@contextmanager
def _problems(size: int = 0) -> Iterator[None]:
    """What a listener is told where the file, of `size` bytes, cannot be played."""
    try:
        yield
    except Unsatisfiable as error:
        raise Problem(
            416,
            "range-not-satisfiable",
            "No such part",
            f"The file has {size} bytes; none of them is in the range.",
            "Ask for a part that begins before its end.",
            headers={"Content-Range": f"bytes */{size}"},
        ) from error
    except StoreError as error:
        if error.retryable:
            raise
        log.error("recording not playable", error=str(error))
        raise Problem(
            500, error.error_id, "Not playable", str(error), "Run huisheng doctor."
        ) from error


def _headers(recording: Recording, etag: str, length: int) -> dict[str, str]:
    name = re.sub(r"[^A-Za-z0-9._-]", "_", recording.name)
    return {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-store",  # each listening is on the record
        "Content-Disposition": f'inline; filename="{name}.wav"',
        "Content-Length": str(length),
        "Content-Type": "audio/wav",
        "ETag": etag,
        "X-Content-Type-Options": "nosniff",
    }
