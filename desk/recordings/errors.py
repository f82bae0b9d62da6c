"""What can go wrong with the files of recordings."""

from pathlib import Path

from desk.errors import DeskError

KEY_VARIABLE = "HUISHENG_RECORDING_KEY"
MAKE_KEY = "openssl rand -base64 32"


class StoreError(DeskError):
    """Base of all errors of the recordings' files."""

    error_id = "recordings-failed"


class BadKey(StoreError):  # noqa: N818
    """The key of the recordings is missing, or is none."""

    error_id = "recording-key"

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what}; set {KEY_VARIABLE} to 32 random bytes in base64 ({MAKE_KEY}) and keep it "
            "safe: without it the recordings are lost"
        )


class BadName(StoreError):  # noqa: N818
    """A name that could lead out of the folder, or that no file can have."""

    error_id = "recording-name"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name[:200]!r} cannot be a recording's name; use up to 190 letters, digits, dots, "
            "dashes and underscores, a letter or digit first"
        )


class StoreFull(StoreError):  # noqa: N818 - a state, named as operators name it
    """There is no room for a recording; nothing of it was kept."""

    error_id = "recordings-full"
    retryable = True

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(f"no room for the recording {name} in {folder}; free space on that disk")
        self.name = name


class StoreFailed(StoreError):  # noqa: N818
    """The folder or a file in it cannot be read or written."""

    retryable = True

    def __init__(self, name: str, path: Path, reason: str) -> None:
        super().__init__(
            f"recording {name}: {path}: {reason}; mend the disk or the rights, see huisheng doctor"
        )
        self.name = name


class FileMissing(StoreError):  # noqa: N818
    """The desk knows the recording, the folder does not hold it."""

    error_id = "recording-file-missing"

    def __init__(self, name: str, path: Path) -> None:
        super().__init__(
            f"recording {name}: {path} is missing; bring it back from a backup, huisheng doctor "
            "shows whether the folder is the right one"
        )
        self.name = name


class FileDamaged(StoreError):  # noqa: N818
    """The file is not what was kept: cut off, edited, or another one."""

    error_id = "recording-damaged"

    def __init__(self, name: str, path: Path, what: str) -> None:
        super().__init__(f"recording {name}: {path} {what}; bring it back from a backup")
        self.name = name


class KeyUnknown(StoreError):  # noqa: N818
    """The file was encrypted with a key that this process does not have."""

    error_id = "recording-key-unknown"

    def __init__(self, name: str, path: Path, key_id: str) -> None:
        super().__init__(
            f"recording {name}: {path} was encrypted with the key {key_id}, which is not at hand; "
            f"add that key to {KEY_VARIABLE} (several are separated by spaces, the first encrypts)"
        )
        self.name = name
