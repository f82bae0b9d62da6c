"""What can go wrong when speech is recognised; each error says the mend in one sentence."""

from pathlib import Path
from typing import ClassVar


class SpeechError(Exception):
    """Base of this package's errors. `retryable`: the same request may succeed later."""

    retryable: ClassVar[bool] = False


class ModelError(SpeechError):
    """The speech model cannot be used."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"speech model {path}: {problem}")
        self.path = path


class AudioError(SpeechError):
    """A recording cannot be read."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path


class RecognitionError(SpeechError):
    """The engine failed on a recording."""

    retryable = True

    def __init__(self, path: Path, engine: str, problem: str) -> None:
        super().__init__(f"{path}: {engine} failed ({problem}); the recording is kept, try again")
        self.path, self.engine = path, engine


class Busy(SpeechError):  # noqa: N818 - reads as the state it reports
    """As many recordings wait as may wait; nothing was queued."""

    retryable = True

    def __init__(self, path: Path, waiting: int) -> None:
        super().__init__(
            f"{path}: {waiting} recordings are already waiting to be transcribed; "
            "try again later, or raise speech.threads or speech.queue in config.yaml"
        )
        self.path, self.waiting = path, waiting


class TooLate(SpeechError):  # noqa: N818
    """The deadline passed before the transcript was ready; the work was stopped."""

    retryable = True

    def __init__(self, path: Path, deadline: float) -> None:
        super().__init__(
            f"{path}: not transcribed within {deadline:g} s; "
            "try again later, or raise speech.threads in config.yaml"
        )
        self.path, self.deadline = path, deadline


class Stopped(SpeechError):  # noqa: N818
    """The transcriber was not running, or was closed before the recording's turn."""

    retryable = True

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path}: the transcriber is not running; try again after the next start")
        self.path = path
