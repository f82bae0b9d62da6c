"""The line as the API and the status page see it."""

import asyncio
import shutil
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ari_app.ari import ApplicationReplaced, AriError
from ari_app.calls.line import Line
from ari_app.calls.switchboard import Switchboard
from ari_app.periodic import DISK_LEAST_BYTES
from asterisk_conf.server import AsteriskServer
from crm_bridge.delivery import Bridge
from crm_bridge.worker import State
from desk.api import Finding, SpeechModel, TargetState
from stt.model import describe

ANSWER_SECONDS = 1.5  # less than the API waits
DOCTOR = "see `huisheng doctor`"
_STATES: dict[State, Literal["up", "down", "disabled"]] = {
    State.WORKING: "up",
    State.ON_HOLD: "down",
    State.STOPPED: "down",
    State.DISABLED: "disabled",
}


@dataclass(frozen=True)
class Status:
    """Answers from memory; only `findings` asks Asterisk and the disk."""

    line: Line
    switchboard: Switchboard
    bridge: Bridge
    asterisk: AsteriskServer | None = None

    @property
    def company(self) -> str:
        """Whose line it is."""
        return self.line.settings.company.name

    def where_to_call(self) -> Sequence[str]:
        """SIP addresses that reach the line."""
        pbx = self.line.settings.pbx
        return [f"sip:{number}@{pbx.sip.bind}:{pbx.sip.port}" for number in pbx.line_numbers]

    def live_calls(self) -> Collection[str]:
        """Ids of the calls that have a coroutine now."""
        return self.switchboard.call_ids

    def speech(self) -> SpeechModel:
        """The speech model, and what its users must be told of it."""
        model = describe(self.line.settings.speech)
        return SpeechModel(
            name="bundled" if model.bundled else model.path.name, notice=model.warning
        )

    def targets(self) -> Sequence[TargetState]:
        """The targets of the CRM bridge."""
        return [
            TargetState(name=target.name, state=_STATES[target.state], detail=target.error)
            for target in self.bridge.status()
        ]

    async def findings(self) -> Sequence[Finding]:
        """What callers need (Asterisk, our hold on it, somebody who takes them), then what fails
        without their noticing."""
        return [
            await self._asterisk(),
            self._ari(),
            self._serving(),
            self._records(),
            await asyncio.to_thread(self._disk),
            self._hearing(),
            *self._bridge(),
        ]

    async def _asterisk(self) -> Finding:
        if self.asterisk is not None and not self.asterisk.running():
            what = "Asterisk has died; it is being started again, its calls are lost"
            return Finding("asterisk", False, what, "look into its log if this stays so")
        try:
            await self.line.ari.call("asterisk.ping", deadline=ANSWER_SECONDS)
        except ApplicationReplaced as error:
            what = "another process has taken this line over; this one ends"
            return Finding("asterisk", False, what, error.mend)
        except AriError as error:
            return Finding("asterisk", False, error.message, error.mend or DOCTOR)
        return Finding("asterisk", True, "answers")

    def _ari(self) -> Finding:
        if self.line.ari.is_connected:
            return Finding("ari", True, "connected")
        what = "the websocket is down: the dialplan serves new callers; reconnecting"
        return Finding("ari", False, what, DOCTOR)

    def _serving(self) -> Finding:
        board = self.switchboard
        if board.stops:
            return Finding(
                "line", False, "the line stops: the dialplan serves callers", "start it again"
            )
        if not board.resumed.is_set():
            return Finding("line", False, "a former process's calls are being taken over", "wait")
        return Finding("line", True, f"{board.live} calls")

    def _records(self) -> Finding:
        journal = self.line.journal
        if not journal.spooling:
            return Finding("journal", True, "the desk has every record", needed=False)
        return Finding(
            "journal",
            False,
            f"the desk is away: {journal.waiting} records of calls wait for it; calls go on",
            "look at the database and its disk",
            needed=False,
        )

    def _disk(self) -> Finding:
        folder = self.line.settings.state_dir
        try:
            free = shutil.disk_usage(folder).free
        except OSError as error:
            what = f"{folder}: {error.strerror}"
            return Finding("disk", False, what, "mend the disk", needed=False)
        is_enough = free >= DISK_LEAST_BYTES
        mend = "" if is_enough else f"make room in {folder}, recordings first"
        return Finding("disk", is_enough, f"{free / 1e9:.1f} GB are free", mend, needed=False)

    def _hearing(self) -> Finding:
        live = self.line.hearing.live
        if live is None:
            return Finding("speech", True, "talks are transcribed afterwards", needed=False)
        if live.stuck:
            return Finding(
                "speech",
                False,
                f"{live.stuck} recogniser threads are stuck; whom they heard is transcribed "
                "afterwards",
                "look at the speech engine, and restart when there is time",
                needed=False,
            )
        return Finding("speech", True, f"{live.streams} parties are heard", needed=False)

    def _bridge(self) -> Iterator[Finding]:
        for target in self.targets():
            if target.state == "down":
                what = f"{target.name}: {target.detail or 'not reached'}; deliveries wait"
                yield Finding("bridge", False, what, "see `huisheng bridge status`", needed=False)
