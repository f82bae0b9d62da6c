"""What runs beside the calls as long as the line does."""

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog

from ari_app.ari import AriError
from ari_app.calls.callback.callbacks import Callbacks
from ari_app.calls.line import Line
from ari_app.calls.outbound.placing import Placing
from ari_app.calls.recovery.evidence import Evidence
from ari_app.calls.recovery.reconcile import Reconciler, reconciler_of
from ari_app.calls.recovery.sources import Sources
from ari_app.calls.switchboard import Switchboard
from ari_app.chores import keep_chores
from asterisk_conf.server import AsteriskServer
from asterisk_conf.watch import watch
from desk.errors import DatabaseError

log = structlog.get_logger()

SETTLE_SECONDS = 5.0


class Errands:
    """The desk's chores, call-backs, the watch over an Asterisk of ours, and what Asterisk knows of
    calls."""

    def __init__(
        self,
        line: Line,
        switchboard: Switchboard,
        asterisk: AsteriskServer | None,
        config: Path | None = None,
    ) -> None:
        """`asterisk`: our own; None where one exists already. `config`: see `keep_chores`."""
        self._line, self._switchboard, self._asterisk = line, switchboard, asterisk
        self._config = config
        spool_dir = line.settings.pbx.spool_dir
        sources = Sources.existing(spool_dir) if spool_dir is not None else None
        if asterisk is not None:
            sources = Sources.of(asterisk.paths)
        self._reconciler: Reconciler | None = None
        if sources is not None:
            self._reconciler = reconciler_of(line, sources, lambda: switchboard.call_ids)

    def works(self) -> Iterator[tuple[str, Coroutine[Any, Any, None]]]:
        """Name and coroutine of each; all run until they are cancelled."""
        yield "chores", keep_chores(self._line, self._config)
        yield "call-backs", Callbacks(self._line, self._switchboard).run()
        yield "outbound calls", Placing(self._line, self._switchboard).run()
        if self._asterisk is not None:
            yield "Asterisk's watch", watch(self._asterisk)
        if self._reconciler is not None:
            yield "reconciliation", self._reconcile(self._reconciler)

    async def noted(self) -> Mapping[str, Evidence]:
        """What the dialplan has noted of calls that are not settled yet, by their ids."""
        if self._reconciler is None:
            return {}
        try:
            return await self._reconciler.noted()
        except OSError as error:
            log.error("the dialplan's notes cannot be read", error=str(error))
            return {}

    async def settle(self) -> None:
        """File the calls that were handed to the dialplan and are over, before the line stops:
        their tickets need not wait for the next start. What cannot be done now is done then.
        """
        if self._reconciler is None:
            return
        try:
            async with asyncio.timeout(SETTLE_SECONDS):
                await self._reconciler.once(quiet=timedelta())
        except (AriError, DatabaseError, OSError, TimeoutError) as error:
            log.warning("calls are reconciled by the next start", why=str(error) or "too slow")

    async def _reconcile(self, reconciler: Reconciler) -> None:
        await self._switchboard.resumed.wait()
        await reconciler.run()
