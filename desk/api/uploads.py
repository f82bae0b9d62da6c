"""Taking a file in over HTTP: piece by piece, bounded in size, time and number, or not at all."""

import asyncio
import re
import unicodedata
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import structlog
from fastapi import Request
from starlette.requests import ClientDisconnect

from desk.api.problems import Problem
from desk.recordings.errors import StoreError
from desk.recordings.intake import Intake, KeptFile
from desk.teamwork.content import Kind
from desk.teamwork.shelf import Shelf

log = structlog.get_logger()

BLOCK_BYTES = 262_144
_CLOSE = {"Connection": "close"}  # what was not read of the body is not read as a request


class Places:
    """Where uploads wait for nobody: so many at once, and one more is refused."""

    def __init__(self, most: int) -> None:
        self._left = most

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Take one.

        Raises:
            Problem: there is none.
        """
        if self._left == 0:
            raise Problem(
                503, "uploads-full", "Too many uploads", "Others are uploading files.",
                "Try again soon, or raise attachments.uploads_at_once in config.yaml.",
                headers={"Retry-After": "5", **_CLOSE},
            )  # fmt: skip
        self._left -= 1
        try:
            yield
        finally:
            self._left += 1


def shelf_of(request: Request) -> Shelf:
    """A dependency: where the files are (`create_app` was told).

    Raises:
        Problem: this process has none.
    """
    shelf: Shelf | None = getattr(request.app.state, "attachments", None)
    if shelf is None:
        raise Problem(
            503, "no-attachments-here", "No attachments here",
            "This process does not have the attachments' folder.",
            "Ask the process that serves the line.", headers=_CLOSE,
        )  # fmt: skip
    return shelf


def places_of(request: Request) -> Places:
    """A dependency: the places for uploads."""
    state = request.app.state
    if not hasattr(state, "upload_places"):
        state.upload_places = Places(shelf_of(request).settings.uploads_at_once)
    places: Places = state.upload_places
    return places


async def come(
    files: Shelf, request: Request, name: str, content_type: str
) -> tuple[KeptFile, Kind]:
    """The file, whole and on the disk, and what it is.

    Raises:
        Problem: it is too large or too slow.
        BadContent: it is not taken.
        StoreError: it cannot be written.
    """
    async with _taking(files) as intake:
        try:
            async with asyncio.timeout(files.settings.upload_seconds):
                await _write(intake, request, files.settings.most_mib)
        except TimeoutError:
            raise Problem(
                408, "upload-too-slow", "Too slow",
                f"The file did not come within {files.settings.upload_seconds} s.",
                "Send it again over a better connection, or a smaller one.", headers=_CLOSE,
            ) from None  # fmt: skip
        kept = await asyncio.to_thread(intake.commit)
    return kept, await asyncio.to_thread(files.examine, kept, name, content_type)


@asynccontextmanager
async def _taking(files: Shelf) -> AsyncIterator[Intake]:
    intake = files.intake()
    await asyncio.to_thread(intake.__enter__)
    try:
        yield intake
    finally:
        await asyncio.to_thread(intake.__exit__, None, None, None)


async def _write(intake: Intake, request: Request, most_mib: int) -> None:
    come, held = 0, bytearray()
    try:
        async for chunk in request.stream():
            come += len(chunk)
            if come > most_mib << 20:
                raise too_large(most_mib)
            held += chunk
            if len(held) >= BLOCK_BYTES:
                await asyncio.to_thread(intake.write, bytes(held))
                held.clear()
    except ClientDisconnect as error:
        raise Problem(
            400, "upload-broken-off", "Broken off", "The sender went before the file was whole.",
            "Send it again.", headers=_CLOSE,
        ) from error  # fmt: skip
    if held:
        await asyncio.to_thread(intake.write, bytes(held))


async def away(files: Shelf, kept: KeptFile) -> None:
    """A file that has come and is nobody's; what cannot be deleted now, the sweep deletes."""
    try:
        await asyncio.to_thread(files.discard, kept)
    except StoreError as error:
        log.warning("file not deleted yet", error=str(error))


@contextmanager
def told() -> Iterator[None]:
    """What is told of a file that cannot be kept or given."""
    try:
        yield
    except StoreError as error:
        log.error("attachment not served", error=str(error))
        if error.retryable:
            raise Problem(
                503, "attachments-unavailable", "Not possible at present",
                "The attachments' folder is full or cannot be used.",
                "Try again later; free space on that disk, see huisheng doctor.",
                headers={"Retry-After": "30", **_CLOSE},
            ) from error  # fmt: skip
        raise Problem(
            500, "attachment-lost", "Not readable",
            "The file is missing, was edited, or lacks its key.",
            "The log names it; bring it back from a backup.",
        ) from error  # fmt: skip


def too_large(most_mib: int) -> Problem:
    """413."""
    return Problem(
        413, "attachment-too-large", "Too large", f"A file has at most {most_mib} MiB.",
        "Send a smaller one, or raise attachments.most_mib in config.yaml.", headers=_CLOSE,
    )  # fmt: skip


def named(name: str) -> str:
    """The last part of a path, without what turns text round or breaks lines."""
    last = re.split(r"[/\\]", name)[-1]
    plain = "".join(c if unicodedata.category(c)[0] != "C" else "_" for c in last)
    return plain.strip(" .") or "_"
