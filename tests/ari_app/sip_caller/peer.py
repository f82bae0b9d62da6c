"""The other side of a call, which changes its mind in the middle: re-INVITE, UPDATE, BYE."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from tests.rig.sip import Message, parse

SDP = (
    "v=0\r\no=peer 1 {version} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio {port} RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na={direction}\r\n"
)
SECONDS = 5


@dataclass(eq=False)
class Peer(asyncio.DatagramProtocol):
    """A user agent at one UDP port. It takes the first call that comes, or makes one."""

    media_port: int
    talking: asyncio.Event = field(default_factory=asyncio.Event)
    answers: "asyncio.Queue[Message]" = field(default_factory=asyncio.Queue)
    requests: list[str] = field(default_factory=list)
    _dialogue: dict[str, str] = field(default_factory=dict)
    _to: tuple[str, int] = ("", 0)
    _cseq: int = 100

    @classmethod
    async def open(cls, port: int, media_port: int) -> "Peer":
        loop = asyncio.get_running_loop()
        _, peer = await loop.create_datagram_endpoint(
            lambda: cls(media_port), local_addr=("127.0.0.1", port)
        )
        peer.port = port
        return peer

    port = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def close(self) -> None:
        self._transport.close()

    async def call(self, port: int) -> None:
        """Call a telephone and wait until it is answered."""
        uri = f"sip:400@127.0.0.1:{port}"
        self._to = ("127.0.0.1", port)
        self._dialogue = {
            "call-id": f"peer-{self.port}",
            "own": f"<sip:peer@127.0.0.1:{self.port}>;tag=peer",
            "other": f"<{uri}>",
            "uri": uri,
        }
        answer = await self.ask("INVITE", "sendrecv")
        self._dialogue["other"] = answer.headers["to"]
        self._send("ACK")

    async def ask(self, method: str, direction: str = "") -> Message:
        """Send a request within the call and wait for its final answer; an INVITE is then
        acknowledged, unless it is the first.
        """
        self._cseq += 1
        self._send(method, direction)
        async with asyncio.timeout(SECONDS):
            while (answer := await self.answers.get()).status < 200 or answer.method != method:
                pass
        if method == "INVITE" and "tag=" in self._dialogue["other"]:
            self._send("ACK")
        return answer

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        message = parse(data, addr)
        if message.status:
            self.answers.put_nowait(message)
            return
        self.requests.append(message.method)
        if message.method == "INVITE":
            self._to = addr
            self._dialogue = {
                "call-id": message.headers["call-id"],
                "own": message.headers["to"] + ";tag=peer",
                "other": message.headers["from"],
                "uri": message.headers["contact"].strip("<>"),
            }
            self._reply(message, self._sdp("sendrecv"))
        elif message.method == "ACK":
            self.talking.set()
        else:
            self._reply(message, "")

    def _sdp(self, direction: str) -> str:
        return SDP.format(version=self._cseq, port=self.media_port, direction=direction)

    def _send(self, method: str, direction: str = "") -> None:
        body = self._sdp(direction) if direction else ""
        lines = [
            f"{method} {self._dialogue['uri']} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bK{method}{self._cseq}",
            "Max-Forwards: 70",
            f"From: {self._dialogue['own']}",
            f"To: {self._dialogue['other']}",
            f"Call-ID: {self._dialogue['call-id']}",
            f"CSeq: {self._cseq} {method}",
            f"Contact: <sip:peer@127.0.0.1:{self.port}>",
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        self._transport.sendto(("\r\n".join(lines) + "\r\n\r\n" + body).encode(), self._to)

    def _reply(self, request: Message, body: str) -> None:
        headers = request.headers
        to = self._dialogue["own"] if request.method == "INVITE" else headers["to"]
        lines = [
            "SIP/2.0 200 OK",
            *(f"{name}: {headers[name.lower()]}" for name in ("Via", "From", "Call-ID", "CSeq")),
            f"To: {to}",
            f"Contact: <sip:peer@127.0.0.1:{self.port}>",
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        text = "\r\n".join(lines) + "\r\n\r\n" + body
        self._transport.sendto(text.encode(), request.source)
