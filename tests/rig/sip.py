"""A very small SIP user agent (RFC 3261 over UDP) that may say anything, for tests.

It is no telephone: no retransmission, no media of its own. It can send requests that SIPp would
not (raw request URIs, broken headers), and it keeps every request that reaches it, so that a test
can say "nothing arrived here".
"""

import asyncio
import hashlib
import itertools
import re
from dataclasses import dataclass, field
from typing import Any

_tags = itertools.count(1)
SECONDS = 10


@dataclass(frozen=True)
class Message:
    """One SIP message as received: first line, headers (lower-case names, first value), body."""

    first_line: str
    headers: dict[str, str]
    body: str
    source: tuple[str, int]

    @property
    def status(self) -> int:
        """Status code of a response; 0 for a request."""
        return int(self.first_line.split()[1]) if self.first_line.startswith("SIP/2.0") else 0

    @property
    def method(self) -> str:
        """Method of a request, or the method that a response answers."""
        return self.headers["cseq"].split()[1]


def parse(data: bytes, source: tuple[str, int]) -> Message:
    """Read one datagram."""
    head, _, body = data.decode(errors="replace").partition("\r\n\r\n")
    first_line, *lines = head.split("\r\n")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers.setdefault(name.strip().lower(), value.strip())
    return Message(first_line, headers, body, source)


@dataclass
class Call:
    """One INVITE that we sent and what came back."""

    agent: "SipAgent"
    uri: str
    sender: str
    call_id: str
    tag: str
    responses: "asyncio.Queue[Message]" = field(default_factory=asyncio.Queue)
    remote_to: str = ""
    remote_target: str = ""
    cseq: int = 1

    async def final(self, seconds: float = SECONDS) -> Message:
        """The final response, acknowledged."""
        async with asyncio.timeout(seconds):
            while (response := await self.responses.get()).status < 200:
                self.remote_to = response.headers["to"]
        self.remote_to = response.headers["to"]
        contact = re.search(r"<([^>]+)>", response.headers.get("contact", ""))
        self.remote_target = contact[1] if contact else self.uri
        self.agent.send(self._request("ACK", self.cseq))
        return response

    def cancel(self) -> None:
        """Give up before an answer."""
        self.agent.send(self._request("CANCEL", self.cseq, fresh_branch=False, to=f"<{self.uri}>"))

    async def ask(self, method: str, *headers: str) -> Message:
        """Send a request inside the call and wait for its answer."""
        self.cseq += 1
        self.agent.send(self._request(method, self.cseq, *headers))
        async with asyncio.timeout(SECONDS):
            while (response := await self.responses.get()).method != method:
                pass
        return response

    def _request(
        self,
        method: str,
        cseq: int,
        *headers: str,
        fresh_branch: bool = True,
        to: str | None = None,
        body: str = "",
    ) -> str:
        branch = f"z9hG4bK{self.tag}{method if fresh_branch and method != 'INVITE' else ''}{cseq}"
        lines = [
            f"{method} {self.remote_target or self.uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.agent.address};branch={branch};rport",
            "Max-Forwards: 70",
            f"From: {self.sender};tag={self.tag}",
            f"To: {to or self.remote_to or f'<{self.uri}>'}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {cseq} {method}",
            f"Contact: <sip:rig@{self.agent.address}>",
            *headers,
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body.encode())}",
        ]
        return "\r\n".join(lines) + "\r\n\r\n" + body


class SipAgent(asyncio.DatagramProtocol):
    """One UDP socket that speaks SIP. `requests` holds every request that came, but ACK.

    INVITE is answered with `invite_answer`, every other request with `other_answer`; 0: not at
    all.
    """

    def __init__(
        self, server: tuple[str, int], invite_answer: int = 486, other_answer: int = 200
    ) -> None:
        self.server = server
        self.invite_answer = invite_answer
        self.other_answer = other_answer
        self.requests: list[Message] = []
        self.arrived = asyncio.Event()
        self._calls: dict[str, Call] = {}

    @classmethod
    async def open(
        cls, address: str, port: int, server: tuple[str, int], **options: Any
    ) -> "SipAgent":
        """Bind `address:port`; requests go to `server`."""
        loop = asyncio.get_running_loop()
        _, agent = await loop.create_datagram_endpoint(
            lambda: cls(server, **options), local_addr=(address, port)
        )
        return agent

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        host, port = transport.get_extra_info("sockname")
        self.address = f"{host}:{port}"

    def close(self) -> None:
        self._transport.close()

    @property
    def invites(self) -> list[Message]:
        """The INVITEs that came."""
        return [request for request in self.requests if request.method == "INVITE"]

    def send(self, text: str | bytes) -> None:
        self._transport.sendto(
            text.encode(errors="surrogateescape") if isinstance(text, str) else text, self.server
        )

    def invite(
        self,
        user: str,
        *headers: str,
        caller: str = "13800138000",
        sender: str | None = None,
        media_port: int = 9,
        uri: str | None = None,
        cseq: int = 1,
    ) -> Call:
        """Send an INVITE to `user` (raw text before the @) at the server."""
        host, port = self.server
        number = next(_tags)
        call = Call(
            agent=self,
            uri=uri or (f"sip:{user}@{host}:{port}" if user else f"sip:{host}:{port}"),
            sender=sender or f'"caller" <sip:{caller}@{self.address}>',
            call_id=f"rig-{number}-{id(self)}@{self.address}",
            tag=f"rig{number}x{id(self)}",
            cseq=cseq,
        )
        local = self.address.rpartition(":")[0]
        body = (
            f"v=0\r\no=rig 1 1 IN IP4 {local}\r\ns=-\r\nc=IN IP4 {local}\r\nt=0 0\r\n"
            f"m=audio {media_port} RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n"
            "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=sendrecv\r\n"
        )
        self._calls[call.call_id] = call
        self.send(call._request("INVITE", cseq, *headers, body=body))
        return call

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        message = parse(data, addr)
        if message.status:
            call = self._calls.get(message.headers.get("call-id", ""))
            if call is not None:
                call.responses.put_nowait(message)
            return
        if message.method == "ACK":
            return
        self.requests.append(message)
        self.arrived.set()
        answer = self.invite_answer if message.method == "INVITE" else self.other_answer
        if answer:
            self._answer(message, answer)

    def _answer(self, request: Message, status: int) -> None:
        headers = request.headers
        self._transport.sendto(
            (
                f"SIP/2.0 {status} Answer\r\nVia: {headers['via']}\r\nFrom: {headers['from']}\r\n"
                f"To: {headers['to']};tag=rig\r\nCall-ID: {headers['call-id']}\r\n"
                f"CSeq: {headers['cseq']}\r\nContact: <sip:rig@{self.address}>\r\n"
                "Content-Length: 0\r\n\r\n"
            ).encode(),
            request.source,
        )


def authorization(challenge: Message, uri: str, username: str, password: str, method: str) -> str:
    """The Authorization header that answers a digest challenge (RFC 8760 names MD5 mandatory)."""
    offered = challenge.headers["www-authenticate"]
    values = dict(re.findall(r'(\w+)="?([^",]+)"?', offered))

    def md5(text: str) -> str:
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    first = md5(f"{username}:{values['realm']}:{password}")
    second = md5(f"{method}:{uri}")
    middle = f"{values['nonce']}:00000001:rig:auth" if "qop" in values else values["nonce"]
    response = md5(f"{first}:{middle}:{second}")
    qop = ', qop=auth, nc=00000001, cnonce="rig"' if "qop" in values else ""
    opaque = f', opaque="{values["opaque"]}"' if "opaque" in values else ""
    return (
        f'Authorization: Digest username="{username}", realm="{values["realm"]}", '
        f'nonce="{values["nonce"]}", uri="{uri}", algorithm=MD5, response="{response}"{qop}{opaque}'
    )
