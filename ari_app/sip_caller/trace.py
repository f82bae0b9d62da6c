"""SIPp's short message trace: which SIP message went or came when, and what that says of a call."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ari_app.sip_caller.plan import CallPlan
from ari_app.sip_caller.rtp import Rtp

LINE_BYTES = 16_384
"""A longer line of the trace is cut: request lines may be hostile."""


@dataclass(frozen=True, slots=True)
class SipMessage:
    """One SIP message of the trace. `at`: seconds since 1970, UTC, in microseconds' steps."""

    at: float
    sent: bool
    call_id: str
    cseq: str
    first_line: str

    @property
    def status(self) -> int | None:
        """The status code of a response, None for a request."""
        words = self.first_line.split(" ", 2)
        if words[0] == "SIP/2.0" and len(words) > 1 and words[1].isdigit():
            return int(words[1])
        return None

    @property
    def method(self) -> str:
        """The method of a request, or that of the request which a response answers."""
        return self.cseq.rpartition(" ")[2]

    def is_request(self, method: str) -> bool:
        """Whether this is a request of that method."""
        return self.status is None and self.method == method


def parse_line(line: bytes) -> SipMessage | None:
    """One line of the trace; None for a line that is none (the rest of a hostile request line)."""
    fields = line[:LINE_BYTES].decode(errors="backslashreplace").rstrip("\r\n").split("\t", 6)
    if len(fields) != 7 or fields[3] not in {"S", "R"} or not fields[5].startswith("CSeq:"):
        return None
    try:
        at = float(fields[2])
    except ValueError:
        return None
    return SipMessage(at, fields[3] == "S", fields[4], fields[5].removeprefix("CSeq:"), fields[6])


@dataclass(frozen=True, slots=True)
class CallResult:
    """What became of one call, seen from the line. Times are seconds since 1970.

    rtp: what arrived, if the call was listened to; else None.
    """

    plan: CallPlan
    call_id: str
    messages: tuple[SipMessage, ...]
    rtp: Rtp | None = None

    @property
    def heard(self) -> bytes | None:
        """The A-law that arrived, in order of arrival, if the call was listened to."""
        return self.rtp.alaw if self.rtp is not None else None

    @property
    def keys(self) -> str:
        """The keys that arrived as telephone events, if the call was listened to."""
        return self.rtp.keys if self.rtp is not None else ""

    @property
    def status(self) -> int | None:
        """Final status of the INVITE; None if no final answer ever came."""
        codes = [m.status for m in self._invite_answers() if m.status and m.status >= 200]
        return codes[0] if codes else None

    @property
    def invited_at(self) -> float | None:
        """When the INVITE first went out."""
        return next((m.at for m in self.messages if m.is_request("INVITE")), None)

    @property
    def ringing_at(self) -> float | None:
        """When the other side first rang (180, 183)."""
        return next((m.at for m in self._invite_answers() if m.status in {180, 183}), None)

    @property
    def answered_at(self) -> float | None:
        """When the 200 came."""
        return next((m.at for m in self._invite_answers() if m.status == 200), None)

    @property
    def ended_at(self) -> float | None:
        """When somebody hung up (BYE, CANCEL)."""
        return next((m.at for m in self._endings()), None)

    @property
    def ended_by(self) -> Literal["us", "them"] | None:
        """Who hung up: this side or the other one; None if nobody did."""
        return next(("us" if m.sent else "them" for m in self._endings()), None)

    @property
    def answer_seconds(self) -> float | None:
        """INVITE to its 200."""
        if self.invited_at is None or self.answered_at is None:
            return None
        return self.answered_at - self.invited_at

    @property
    def talk_seconds(self) -> float | None:
        """Answer to BYE."""
        if self.answered_at is None or self.ended_at is None:
            return None
        return self.ended_at - self.answered_at

    def _invite_answers(self) -> list[SipMessage]:
        return [m for m in self.messages if m.status is not None and m.method == "INVITE"]

    def _endings(self) -> list[SipMessage]:
        return [m for m in self.messages if m.is_request("BYE") or m.is_request("CANCEL")]


def result_of(
    plan: CallPlan, call_id: str, messages: Sequence[SipMessage], rtp: Rtp | None = None
) -> CallResult:
    """The result of one call out of everything that a SIPp traced."""
    own = tuple(m for m in messages if m.call_id == call_id)
    return CallResult(plan, call_id, own, rtp)
