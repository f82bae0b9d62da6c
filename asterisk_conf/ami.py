# mypy: disallow-untyped-calls=False
"""The manager interface (AMI), over panoramisk: one login, a few questions, good-bye.

panoramisk's traps are closed here: a refused login raises instead of passing silently, no
connection is retried behind the caller's back, a character that arrives in two pieces is kept,
and a line break in a value is refused instead of becoming a header of its own.
"""

import asyncio
import codecs
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from panoramisk.ami_protocol import AMIProtocol
from panoramisk.manager import Manager

from asterisk_conf.errors import ManagerError
from asterisk_conf.secrets import AMI_USER, Secrets
from asterisk_conf.settings import PbxSettings

Row = Mapping[str, str]

_log = logging.getLogger(__name__)
_log.setLevel(logging.CRITICAL)  # what goes wrong is raised, not logged


class AmiSession:
    """A logged-in AMI connection; get one from `session`."""

    def __init__(self, connection: "_Connection", deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline

    async def rows(self, action: str, event: str) -> list[Row]:
        """The events named `event` of an action that answers with a list; empty if Asterisk says
        that it has found none. Other events of the list are left out (some carry passwords).

        Raises:
            ManagerError: refused, or not answered in time.
        """
        try:
            answer = await self.ask(action)
        except ManagerError as error:
            if " found" in str(error):  # "No Contacts found": an empty list is an error to AMI
                return []
            raise
        return [row for row in answer if row.get("event") == event]

    async def ask(self, action: str, **fields: str) -> list[Row]:
        """Send one action and return its answer: the response alone, or, for an action that
        answers with a list, the list's events without the closing one. Keys are case-insensitive.

        Raises:
            ManagerError: Asterisk refuses the action or does not answer in time.
            ValueError: a field holds a line break.
        """
        for name, value in fields.items():
            if any(char in "\r\n\0" for char in name + value):
                raise ValueError(f"{name}={value!r}: a line break would start a new header")
        try:
            async with asyncio.timeout(self._deadline):
                answer = await self._connection.send_action({"Action": action, **fields})
        except TimeoutError as error:
            raise ManagerError(
                f"AMI did not answer {action} within {self._deadline:g} s"
            ) from error
        messages = answer if isinstance(answer, list) else [answer]
        if not messages[0].success:
            raise ManagerError(f"AMI refuses {action}: {messages[0].message or 'no reason given'}")
        return messages[1:-1] if isinstance(answer, list) else messages

    async def reload(self, module: str = "") -> None:
        """Make Asterisk read its files again: one module's, or all. Calls go on.

        Raises:
            ManagerError: refused; e.g. a file that does not parse.
        """
        await self.ask("Reload", **({"Module": module} if module else {}))


@asynccontextmanager
async def session(
    pbx: PbxSettings, secrets: Secrets, *, deadline: float = 5
) -> AsyncIterator[AmiSession]:
    """Log in to AMI on loopback.

    Args:
        deadline: seconds for the login, and for each answer.

    Raises:
        ManagerError: nobody listens, or the login is refused.
    """
    where = f"AMI on 127.0.0.1:{pbx.ami_port}"
    connection = _Connection(
        host="127.0.0.1",
        port=pbx.ami_port,
        username=AMI_USER,
        secret=secrets.ami,
        events="off",
        protocol_factory=_WholeCharacters,
        log=_log,
    )
    try:
        try:
            async with asyncio.timeout(deadline):
                await connection.connect()
                login: Any = connection.authenticated_future
                answer = await asyncio.shield(login)  # panoramisk trips over a cancelled one
        except TimeoutError as error:  # is an OSError too, so it comes first
            raise ManagerError(f"{where} does not answer the login") from error
        except OSError as error:
            raise ManagerError(
                f"{where} is not reachable; start Asterisk, or check manager.conf"
            ) from error
        if not answer.success:
            raise ManagerError(
                f"{where} refuses user {AMI_USER} ({answer.message}); render the configuration "
                "again and reload: huisheng pbx render"
            )
        yield AmiSession(connection, deadline)
    finally:
        connection.close()


class _Connection(Manager):
    """A manager that connects once: who needs it again opens a new session."""

    _connected_once = False

    def connect(self, *_args: Any, **_options: Any) -> Any:
        if self._connected_once:
            return None
        self._connected_once = True
        return super().connect()


class _WholeCharacters(AMIProtocol):
    """Hands on complete UTF-8 characters only; panoramisk drops one that is split over reads."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        super().data_received(self._decoder.decode(data).encode())
