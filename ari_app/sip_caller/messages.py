"""The SIP messages of both ends, as SIPp writes them: texts with keywords in brackets.

Source: RFC 3261, RFC 3264, and the keywords of SIPp 3.6's reference documentation.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ari_app.sip_caller.timeline import ALAW, TELEPHONE_EVENT

PORT_OFFSET = 8
"""SIPp itself binds the first media ports; the calls' own begin this much above (see ports.py)."""
PORT_STEP = 4
"""SIPp gives every further call of a process a media port so much higher."""
INVITE_BRANCH = "z9hG4bK-[pid]-[call_number]-0"
"""SIPp's branch of a scenario's first message: CANCEL and the ACK of a refusal repeat the
INVITE's (RFC 3261, sections 9.1 and 17.1.1.3)."""


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


class Dialogue:
    """The requests of the calling side."""

    def __init__(self, identity: tuple[str, str], dialled: str) -> None:
        self._from, self._identity_headers = identity
        self._uri = f"sip:{dialled}@[remote_ip]:[remote_port]"

    def invite(self, media: Media) -> str:
        """Offers A-law and telephone events."""
        # [headers] continues a line: an empty value must not leave an empty line, the end of a
        # header block.
        contact = "Contact: <sip:caller@[local_ip]:[local_port]>\n"
        more = f"{contact}{self._identity_headers}Max-Forwards: 70[headers]\n"
        body = sdp_of(media)
        return self._request("INVITE", self._uri, f"<{self._uri}>", "[cseq]", more, body)

    def ack(self, uri: str, branch: str = "[branch]") -> str:
        """Of a 200, or with `INVITE_BRANCH` of a refusal."""
        more = "[routes]\nMax-Forwards: 70\n"
        return self._request("ACK", uri, None, "1", more, branch=branch)

    def bye(self, uri: str = "[next_url]") -> str:
        """Ends the call."""
        return self._request("BYE", uri, None, "[cseq]", "[routes]\nMax-Forwards: 70\n")

    def cancel(self) -> str:
        """Gives up while it rings."""
        to, more = f"<{self._uri}>", "Max-Forwards: 70\n"
        return self._request("CANCEL", self._uri, to, "1", more, branch=INVITE_BRANCH)

    def info(self, key: str) -> str:
        """A key without RTP (the form that Asterisk takes as `application/dtmf-relay`)."""
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
OK = f"SIP/2.0 200 OK\n{_REPLY_HEADERS}{_NO_BODY}"
_AGENT_CONTACT = "Contact: <sip:[local_ip]:[local_port];transport=[transport]>\n"
REMEMBER_CSEQ = '<ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" assign_to="invite"/>'
"""Of the INVITE, for its late refusal. SIPp takes no variable that is never used."""
REMEMBER_PARTIES = (
    '<ereg regexp=".*" search_in="hdr" header="From:" assign_to="remote"/>'
    '<ereg regexp=".*" search_in="hdr" header="To:" assign_to="local"/>'
)
"""Of the INVITE, for `AGENT_BYE`."""
AGENT_BYE = (
    "BYE [next_url] SIP/2.0\n"
    "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n"
    "From: [$local];tag=[pid]a[call_number]\n"
    "To: [$remote]\n"
    "Call-ID: [call_id]\nCSeq: [cseq] BYE\n[routes]\nMax-Forwards: 70\n" + _NO_BODY
)


def reply(
    code: int,
    reason: str,
    *,
    sdp: str | None = None,
    of_invite: bool = False,
    tag: str = ";tag=[pid]a[call_number]",
) -> str:
    """The called side's answer. `of_invite`: to the INVITE (see `REMEMBER_CSEQ`), whatever request
    came last. `tag`: what To lacks, nothing within a dialogue."""
    headers = _REPLY_HEADERS.replace("[last_To:]", f"[last_To:]{tag}")
    if of_invite:
        headers = headers.replace("[last_CSeq:]", "CSeq: [$invite] INVITE")
    return f"SIP/2.0 {code} {reason}\n{headers}{_AGENT_CONTACT}{sdp or _NO_BODY}"


def sdp_of(media: Media) -> str:
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
