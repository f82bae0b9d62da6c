"""What can go wrong between us and Asterisk, and whether trying again can help.

Every error knows the operation, the ids it was about, the HTTP status Asterisk gave (None when
there was no reply) and whether it is `retryable`, decided once, here.
"""

# ruff: noqa: N818 — ARI names these by what happened (404 Not Found, 409 Conflict), not by "Error"
from collections.abc import Mapping
from typing import ClassVar

_NO_IDS: Mapping[str, str] = {}


class AriError(Exception):
    """Base of everything this package raises about the conversation with Asterisk.

    Attributes:
        retryable: the same request may succeed later without anybody mending anything.
        operation: the ARI operation, for example "channels.answer"; "" when it is none.
        ids: what the operation was about, for example {"channel_id": "c-1"}.
        status: HTTP status of the reply; None when no reply came.
        message: Asterisk's own words, or ours when it said nothing.
    """

    retryable: bool = False
    mend: ClassVar[str] = ""

    def __init__(
        self,
        message: str,
        *,
        operation: str = "",
        ids: Mapping[str, str] = _NO_IDS,
        status: int | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.operation = operation
        self.ids = dict(ids)
        self.status = status
        if retryable is not None:
            self.retryable = retryable

    def __str__(self) -> str:
        about = ", ".join(f"{name}={value:.80}" for name, value in self.ids.items())
        head = f"{self.operation}({about}): " if self.operation else ""
        status = f" [{self.status}]" if self.status is not None else ""
        mend = f"; {self.mend}" if self.mend else ""
        return f"{head}{self.message}{status}{mend}"


class BadRequest(AriError):
    """400: Asterisk does not accept a parameter."""


class Unauthorized(AriError):
    """401: the user or password is wrong."""

    mend = "check the user and its password in Asterisk's ari.conf"


class Forbidden(AriError):
    """403: the user is read-only, or this object does not allow the operation."""

    mend = "check read_only of the user in Asterisk's ari.conf"


class NotFound(AriError):
    """404: the channel, bridge, playback, recording or application does not exist (any more)."""


class Conflict(AriError):
    """409: the object is in a state that does not allow this, or the id is taken."""


class NotInApplication(AriError):
    """412: the channel exists but is not (or not yet) in this Stasis application."""


class Unprocessable(AriError):
    """422: understood but impossible, for example a channel that is not in the application."""


class ServerError(AriError):
    """5xx: Asterisk could not do it now, for example an allocation failed or it is starting."""

    retryable = True


class DeadlineExceeded(AriError, TimeoutError):
    """No reply in time. Retryable only where repeating cannot do the thing twice."""


class Disconnected(AriError):
    """The connection is down or broke before the reply came."""

    retryable = True
    mend = "check that Asterisk runs and its HTTP server listens where the url says"


class ApplicationReplaced(AriError):
    """Another process registered our application name and owns the line now: stop.

    Asterisk keeps the old websocket open but deaf, so this is final for the client.
    """

    mend = "stop one of the two processes; only one may serve an application on one Asterisk"


class Closed(AriError):
    """The client was closed while this was waiting, or is used after that."""


class ChannelGone(AriError):
    """The channel left the application: the caller hung up, or it went on in the dialplan."""


class BridgeGone(AriError):
    """The bridge was destroyed."""


class MediaFailed(AriError):
    """A sound could not be played or a recording could not be written."""

    mend = "check that the file exists in a format Asterisk has a module for, and the disk"


class Unsupported(AriError):
    """This Asterisk does not describe the operation or parameter that was asked for."""

    mend = "Asterisk 22.8 or later is needed"


_BY_STATUS: dict[int, type[AriError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    412: NotInApplication,
    422: Unprocessable,
}


def error_for(
    status: int, message: str, operation: str, ids: Mapping[str, str] = _NO_IDS
) -> AriError:
    """The typed error of a reply with `status` 300 or above."""
    kind = _BY_STATUS.get(status) or (ServerError if status >= 500 else AriError)
    return kind(message or "refused", operation=operation, ids=ids, status=status)
