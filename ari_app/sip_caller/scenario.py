"""SIPp scenarios as text. Pure: a plan and its media in, XML out.

Words of a caller (name, numbers, headers) never stand in the XML: the scenario names SIPp keywords
(`[caller]`, or `[field1]` of an injection file) and the values arrive beside it, so that no value
can be taken for markup or for a keyword. Source: SIPp 3.6 reference documentation.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from xml.sax.saxutils import quoteattr

from ari_app.sip_caller.plan import CallPlan, ExpectBye, HangUpWhileRinging
from ari_app.sip_caller.timeline import ALAW, TELEPHONE_EVENT

REFUSALS = (
    *(300, 301, 302, 305, 380),
    *(400, 401, 402, 403, 404, 405, 406, 407, 408, 410, 413, 414, 415, 416, 420, 421, 423),
    *(480, 481, 482, 483, 484, 485, 486, 487, 488, 491, 493),
    *(500, 501, 502, 503, 504, 505, 513, 600, 603, 604, 606),
)
"""Final answers that are no (RFC 3261, section 21)."""
PORT_OFFSET = 8
"""SIPp itself binds the first media ports; the calls' own begin this much above (see ports.py)."""
PORT_STEP = 4
"""SIPp gives every further call of a process a media port so much higher."""
_CANCEL_MILLISECONDS = 5000
_BYE_MILLISECONDS = 2000
_INVITE_BRANCH = "z9hG4bK-[pid]-[call_number]-0"
"""SIPp's branch of a scenario's first message: CANCEL and the ACK of a refusal repeat the
INVITE's (RFC 3261, sections 9.1 and 17.1.1.3)."""
_BYE_LIMIT = f'timeout="{_BYE_MILLISECONDS}" ontimeout="end"'
_BYE_ANSWERED = (
    '<recv response="481" optional="true" next="end"/>',
    f'<recv response="200" response_txn="bye" {_BYE_LIMIT} next="end"/>',
)
_CANCEL_LIMIT = f'timeout="{_CANCEL_MILLISECONDS}" ontimeout="end"'
_CANCEL_ANSWERED = (
    # The CANCEL shares the INVITE's branch, so the first line, which names no transaction, takes
    # the 200 of the CANCEL by its CSeq, and the second one an INVITE's that crossed it.
    '<recv response="200" optional="true"/>',
    '<recv response="200" response_txn="invite" optional="true" next="late"/>',
    '<recv response="481" optional="true"/>',
    f'<recv response="487" response_txn="invite" {_CANCEL_LIMIT}/>',
)


@dataclass(frozen=True, slots=True)
class Media:
    """What one end of a call sends once it is answered.

    path: a pcap file (`kind` "capture") or headerless A-law (`kind` "stream"). A capture carries
        keys as RFC 4733 events and goes out through a raw socket, which needs privileges; a stream
        needs none, and its keys travel as SIP INFO at the seconds in `info`.
    seconds: how long the steps take until the call's end is due.
    """

    kind: Literal["capture", "stream"]
    path: Path
    seconds: float
    info: tuple[tuple[float, str], ...] = ()


def caller_scenario(plan: CallPlan, media: Media, *, injected: bool) -> str:
    """The calling side. `injected`: caller, dialled number and name come from an injection file
    (`[field0]` name, `[field1]` caller, `[field2]` dialled), one line per call; otherwise they are
    SIPp's generic parameters `display`, `caller` and `dialled`. Additional headers are always the
    generic parameter `headers`."""
    words = Words.injected() if injected else Words.given()
    gives_up = next((step for step in plan.steps if isinstance(step, HangUpWhileRinging)), None)
    ring_ms = _ms(gives_up.seconds if gives_up else plan.answer_seconds)
    limit = f'timeout="{ring_ms}" ontimeout="unanswered"'
    identity = words.anonymous() if plan.privacy else words.identity()
    dialogue = _Dialogue(identity, words.dialled)
    return _scenario(
        _send(dialogue.invite(media), retrans=True, more='start_txn="invite"'),
        f'<recv request="BYE" optional="global" next="bye" {limit}/>',
        *_provisional(limit),
        *(
            f'<recv response="{code}" response_txn="invite" optional="true" next="refused"/>'
            for code in REFUSALS
        ),
        f'<recv response="200" response_txn="invite" rrs="true" {limit}/>',
        _send(dialogue.ack("[next_url]"), more='ack_txn="invite"'),
        *([] if gives_up else _talk(media, dialogue)),
        *([] if gives_up else _ending(plan)),
        '<label id="hangup"/>',
        _send(dialogue.bye(), retrans=True, more='start_txn="bye"'),
        *_BYE_ANSWERED,
        '<label id="bye"/>',
        _send(_OK, more='next="end"'),
        '<label id="unanswered"/>',
        _send(dialogue.cancel(), retrans=True),
        *_CANCEL_ANSWERED,
        '<label id="refused"/>',
        _send(dialogue.ack(words.uri, _INVITE_BRANCH), more='ack_txn="invite" next="end"'),
        '<label id="late"/>',
        _send(dialogue.ack(words.uri), more='ack_txn="invite"'),
        _send(dialogue.bye(words.uri), retrans=True, more='start_txn="latebye"'),
        f'<recv response="200" response_txn="latebye" {_BYE_LIMIT}/>',
        '<label id="end"/>',
        '<pause milliseconds="0"/>',
    )


def agent_scenario(plan: CallPlan, media: Media, *, rings: float, answer: int) -> str:
    """The called side: rings `rings` seconds, then gives the final answer (200: talks as the plan
    says). A CANCEL meanwhile is obeyed."""
    final = (
        [
            _send(_answer(200, "OK", sdp=_sdp(media)), retrans=True),
            '<recv request="ACK"/>',
            *_talk(media, None),
            *_ending(plan),
            '<label id="hangup"/>',
            _send(_AGENT_BYE, retrans=True, more='start_txn="bye"'),
            *_BYE_ANSWERED,
        ]
        if answer == 200
        else [
            _send(_answer(answer, "Refused"), retrans=True),
            '<recv request="ACK" next="end"/>',
        ]
    )
    return _scenario(
        '<recv request="CANCEL" optional="global" next="cancelled"/>',
        '<recv request="BYE" optional="global" next="bye"/>',
        f'<recv request="INVITE" rrs="true">{_REMEMBER if answer == 200 else ""}</recv>',
        _send(_answer(180, "Ringing")),
        f'<pause milliseconds="{_ms(rings)}"/>',
        *final,
        '<label id="bye"/>',
        _send(_OK, more='next="end"'),
        '<label id="cancelled"/>',
        _send(_OK),
        _send(_answer(487, "Request Terminated", of_invite=True), retrans=True),
        '<recv request="ACK"/>',
        '<label id="end"/>',
        '<pause milliseconds="0"/>',
    )


@dataclass(frozen=True, slots=True)
class Words:
    """SIPp keywords that stand for a caller's own words."""

    display: str
    caller: str
    dialled: str

    @classmethod
    def given(cls) -> "Words":
        """Generic parameters (`-key`)."""
        return cls("[display]", "[caller]", "[dialled]")

    @classmethod
    def injected(cls) -> "Words":
        """Fields of an injection file (`-inf`)."""
        return cls("[field0]", "[field1]", "[field2]")

    @property
    def uri(self) -> str:
        """The request URI."""
        return f"sip:{self.dialled}@[remote_ip]:[remote_port]"

    def identity(self) -> tuple[str, str]:
        """The From address, and further headers of the INVITE."""
        return f"{self.display}<sip:{self.caller}@[local_ip]:[local_port]>", ""

    def anonymous(self) -> tuple[str, str]:
        """The same for a withheld number (RFC 3323, RFC 3325)."""
        asserted = f"{self.display}<sip:{self.caller}@[local_ip]>"
        hidden = f"P-Asserted-Identity: {asserted}\nPrivacy: id\n"
        return '"Anonymous" <sip:anonymous@anonymous.invalid>', hidden


class _Dialogue:
    """The requests of the calling side."""

    def __init__(self, identity: tuple[str, str], dialled: str) -> None:
        self._from, self._identity_headers = identity
        self._uri = f"sip:{dialled}@[remote_ip]:[remote_port]"

    def invite(self, media: Media) -> str:
        # [headers] continues a line: an empty value must not leave an empty line, the end of a
        # header block.
        contact = "Contact: <sip:caller@[local_ip]:[local_port]>\n"
        more = f"{contact}{self._identity_headers}Max-Forwards: 70[headers]\n"
        body = _sdp(media)
        return self._request("INVITE", self._uri, f"<{self._uri}>", "[cseq]", more, body)

    def ack(self, uri: str, branch: str = "[branch]") -> str:
        more = "[routes]\nMax-Forwards: 70\n"
        return self._request("ACK", uri, None, "1", more, branch=branch)

    def bye(self, uri: str = "[next_url]") -> str:
        return self._request("BYE", uri, None, "[cseq]", "[routes]\nMax-Forwards: 70\n")

    def cancel(self) -> str:
        to, more = f"<{self._uri}>", "Max-Forwards: 70\n"
        return self._request("CANCEL", self._uri, to, "1", more, branch=_INVITE_BRANCH)

    def info(self, key: str) -> str:
        more = "[routes]\nMax-Forwards: 70\n"
        body = _body("application/dtmf-relay", f"Signal={key}\nDuration=120\n")
        return self._request("INFO", "[next_url]", None, "[cseq]", more, body)

    def _request(
        self,
        method: str,
        uri: str,
        to: str | None,
        cseq: str,
        more: str,
        body: str = "",
        branch: str = "[branch]",
    ) -> str:
        return (
            f"{method} {uri} SIP/2.0\n"
            f"Via: SIP/2.0/[transport] [local_ip]:[local_port];branch={branch}\n"
            f"From: {self._from};tag=[pid]c[call_number]\n"
            + (f"To: {to}\n" if to else "[last_To:]\n")
            + f"Call-ID: [call_id]\nCSeq: {cseq} {method}\n{more}{body or _NO_BODY}"
        )


_NO_BODY = "Content-Length: 0\n\n"
_REPLY_HEADERS = "[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\n"
_OK = f"SIP/2.0 200 OK\n{_REPLY_HEADERS}{_NO_BODY}"
_AGENT_CONTACT = "Contact: <sip:[local_ip]:[local_port];transport=[transport]>\n"
_REMEMBER = (
    '<action><ereg regexp=".*" search_in="hdr" header="From:" assign_to="remote"/>'
    '<ereg regexp=".*" search_in="hdr" header="To:" assign_to="local"/></action>'
)
_AGENT_BYE = (
    "BYE [next_url] SIP/2.0\n"
    "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n"
    "From: [$local];tag=[pid]a[call_number]\n"
    "To: [$remote]\n"
    "Call-ID: [call_id]\nCSeq: [cseq] BYE\n[routes]\nMax-Forwards: 70\n" + _NO_BODY
)


def _answer(code: int, reason: str, *, sdp: str | None = None, of_invite: bool = False) -> str:
    headers = _REPLY_HEADERS.replace("[last_To:]", "[last_To:];tag=[pid]a[call_number]")
    if of_invite:
        headers = headers.replace("[last_CSeq:]", "CSeq: 1 INVITE")
    return f"SIP/2.0 {code} {reason}\n{headers}{_AGENT_CONTACT}{sdp or _NO_BODY}"


def _sdp(media: Media) -> str:
    """A-law and telephone events (RFC 3264, RFC 4733). The port keyword also tells SIPp from where
    the media goes out."""
    port = "[rtpstream_audio_port]"
    if media.kind == "capture":
        port = f"[auto_media_port+{PORT_OFFSET}]"
    return _body(
        "application/sdp",
        "v=0\n"
        "o=caller 53655765 2353687637 IN IP[local_ip_type] [local_ip]\n"
        "s=-\n"
        "c=IN IP[media_ip_type] [media_ip]\n"
        "t=0 0\n"
        f"m=audio {port} RTP/AVP {ALAW} {TELEPHONE_EVENT}\n"
        f"a=rtpmap:{ALAW} PCMA/8000\n"
        f"a=rtpmap:{TELEPHONE_EVENT} telephone-event/8000\n"
        f"a=fmtp:{TELEPHONE_EVENT} 0-15\n"
        "a=ptime:20\n"
        "a=sendrecv\n",
    )


def _body(kind: str, text: str) -> str:
    return f"Content-Type: {kind}\nContent-Length: [len]\n\n{text}"


def _provisional(limit: str) -> list[str]:
    return [
        f'<recv response="{code}" response_txn="invite" optional="true" {limit}/>'
        for code in (100, 180, 181, 182, 183)
    ]


def _talk(media: Media, dialogue: _Dialogue | None) -> list[str]:
    """Start the media and let its time pass; a BYE meanwhile leads to the label `bye`."""
    if media.kind == "capture":
        play = f"<nop><action><exec play_pcap_audio={quoteattr(str(media.path))}/></action></nop>"
    else:
        source = f"{media.path},1,{ALAW},PCMA/8000"
        play = f"<nop><action><exec rtp_stream={quoteattr(source)}/></action></nop>"
    parts, passed = [play], 0.0
    for at, key in media.info:
        if dialogue is None:
            raise ValueError("an agent without privileges cannot press keys")
        parts.append(f'<pause milliseconds="{_ms(at - passed)}"/>')
        parts.append(_send(dialogue.info(key), retrans=True, more='start_txn="info"'))
        parts.append('<recv response="200" response_txn="info"/>')
        passed = at
    return [*parts, f'<pause milliseconds="{_ms(media.seconds - passed)}"/>']


def _ending(plan: CallPlan) -> list[str]:
    last = plan.steps[-1] if plan.steps else None
    if not isinstance(last, ExpectBye):
        return []
    limit = f'timeout="{_ms(last.seconds)}" ontimeout="hangup"'
    return [f'<recv request="BYE" next="bye" {limit}/>']


def _scenario(*parts: str) -> str:
    lines = "\n".join(parts)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="call">\n{lines}\n</scenario>\n'


def _send(message: str, *, retrans: bool = False, more: str = "") -> str:
    attributes = " ".join(part for part in ('retrans="500"' if retrans else "", more) if part)
    return f"<send {attributes}><![CDATA[\n{message}]]></send>"


def _ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))
