"""A telephone of an agent that answers, and hangs up when told."""

import asyncio
import re
import socket
import struct
from uuid import uuid4

from tests.rig.rtp import a_law
from tests.rig.sip import Message, SipAgent


class Phone(SipAgent):
    """Answers each call at once, or lets it ring if `answers` is False. Hears and says nothing."""

    answers = True

    def hang_up(self) -> None:
        """End the newest call."""
        headers = self.invites[-1].headers
        target = re.search(r"<([^>]+)>", headers["contact"])
        assert target is not None
        self.send(
            f"BYE {target[1]} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self.address};branch=z9hG4bK{uuid4().hex};rport\r\n"
            f"Max-Forwards: 70\r\nFrom: {headers['to']};tag=rig\r\nTo: {headers['from']}\r\n"
            f"Call-ID: {headers['call-id']}\r\nCSeq: 99 BYE\r\nContent-Length: 0\r\n\r\n"
        )

    def _answer(self, request: Message, status: int) -> None:
        if request.method != "INVITE":
            super()._answer(request, status)
            return
        headers, local = request.headers, self.address.rpartition(":")[0]
        status_line = "200 OK" if self.answers else "180 Ringing"
        body = (
            f"v=0\r\no=rig 1 1 IN IP4 {local}\r\ns=-\r\nc=IN IP4 {local}\r\nt=0 0\r\n"
            "m=audio 9 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
        )
        body = body if self.answers else ""
        kind = "Content-Type: application/sdp\r\n" if body else ""
        self.send(
            f"SIP/2.0 {status_line}\r\nVia: {headers['via']}\r\nFrom: {headers['from']}\r\n"
            f"To: {headers['to']};tag=rig\r\nCall-ID: {headers['call-id']}\r\n"
            f"CSeq: {headers['cseq']}\r\nContact: <sip:rig@{self.address}>\r\n{kind}"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )


_QUIET = {a_law(sample) for sample in range(-32, 32)}


def audible(packet: bytes) -> bool:
    """Whether an RTP packet (A-law) holds more than silence."""
    return any(byte not in _QUIET for byte in packet[12:])


async def send_silence(sender: socket.socket, to: tuple[str, int], seconds: float) -> None:
    """Say nothing in real time (RTP, A-law)."""
    for number in range(int(seconds * 50)):
        header = struct.pack("!BBHII", 0x80, 8, 1000 + number, 160 * (1000 + number), 0x4853)
        sender.sendto(header + b"\xd5" * 160, to)
        await asyncio.sleep(0.02)
