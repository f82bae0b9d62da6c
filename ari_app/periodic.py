"""Work that comes round by the clock (APScheduler); what is due lives in the desk, not here."""

import asyncio
import shutil
from types import TracebackType
from typing import Self

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from prometheus_client import Gauge

from ari_app.calls.line import Line
from ari_app.memory import give_back
from desk.recordings.retention import orphans, retire, seal
from desk.teamwork.shelf import Shelf, sweep

log = structlog.get_logger()

DISK_LEAST_BYTES = 1 << 30
DISK_MINUTES = 1
CALENDAR_HOUR = 4
RETIRE_HOUR = 3
SWEEP_HOUR = 5
SEAL_MINUTES = 5
MEMORY_SECONDS = 20

free_bytes = Gauge("huisheng_disk_free_bytes", "Free space where the line keeps its state")


class Periodic:
    """The line's clockwork. `async with` starts and stops it."""

    def __init__(self, line: Line, shelf: Shelf) -> None:
        self._line = line
        self._shelf = shelf
        self._scheduler = AsyncIOScheduler(timezone=line.settings.company.tz)

    def look_at_disk(self) -> None:
        """Tell operators of a disk that fills up before calls notice."""
        folder = self._line.settings.state_dir
        free = shutil.disk_usage(folder).free
        free_bytes.set(free)
        if free < DISK_LEAST_BYTES:
            log.error("disk almost full", folder=str(folder), free_mb=free >> 20, mend="free space")

    def look_at_calendar(self) -> None:
        """Tell operators of a year whose holidays nobody has entered."""
        calendar = self._line.menus.calendar
        warning = calendar.warning(calendar.today(self._line.now()))
        if warning is not None:
            log.warning("calendar", warning=str(warning))

    async def retire_recordings(self) -> None:
        """Delete recordings past their time, and tell of files that no recording knows."""
        line = self._line
        store, settings = line.vault.store, line.settings
        await retire(
            line.db,
            store,
            settings.recording.retention_days,
            line.now(),
            placed_days=settings.outbound.keep_days,
        )
        await orphans(line.db, store, line.now())

    async def sweep_attachments(self) -> None:
        """Delete files of uploads that broke off, and tell of attachments whose file is lost."""
        await sweep(self._line.db, self._shelf, self._line.now())

    async def seal_recordings(self) -> None:
        """Encrypt what had to lie open until it was transcribed."""
        await seal(self._line.db, self._line.vault.store, self._line.now())

    async def give_memory_back(self) -> None:
        """Keep the process no larger than what it does at present."""
        await asyncio.to_thread(give_back)

    async def __aenter__(self) -> Self:
        add = self._scheduler.add_job
        add(self.give_memory_back, "interval", seconds=MEMORY_SECONDS, id="memory")
        add(self.look_at_disk, "interval", minutes=DISK_MINUTES, id="disk")
        add(self.look_at_calendar, "cron", hour=CALENDAR_HOUR, id="calendar")
        add(self.retire_recordings, "cron", hour=RETIRE_HOUR, id="retire")
        add(self.sweep_attachments, "cron", hour=SWEEP_HOUR, id="attachments")
        if self._line.settings.recording.encrypt:
            add(self.seal_recordings, "interval", minutes=SEAL_MINUTES, id="seal")
        self._scheduler.start()
        self.look_at_disk()
        self.look_at_calendar()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._scheduler.shutdown(wait=False)
