"""The line as the API and the status page see it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from ari_app.ari import AriError
from ari_app.calls.line import Line
from ari_app.calls.switchboard import Switchboard
from crm_bridge.delivery import Bridge
from crm_bridge.worker import State
from desk.api import Finding, SpeechModel, TargetState
from stt.model import describe

_STATES: dict[State, Literal["up", "down", "disabled"]] = {
    State.WORKING: "up",
    State.ON_HOLD: "down",
    State.STOPPED: "down",
    State.DISABLED: "disabled",
}


@dataclass(frozen=True)
class Status:
    """Answers from memory; only `findings` asks Asterisk."""

    line: Line
    switchboard: Switchboard
    bridge: Bridge

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
        """Whether Asterisk answers, and whether it is still ours."""
        mend = "see `huisheng doctor`"
        try:
            await self.line.ari.asterisk.ping()
        except AriError as error:
            return [Finding("asterisk", False, str(error), mend)]
        connected = self.line.ari.is_connected
        detail = "connected" if connected else "the websocket is down; reconnecting"
        return [Finding("asterisk", connected, detail, "" if connected else mend)]
