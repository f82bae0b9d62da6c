"""WAV headers that their writer did not come back to: Asterisk writes the sizes at the end, and
one that was killed leaves 0. Players then show an empty file.

The header is mended from the file's length, so a file can be mended while it passes through.
"""

import io
import os
import struct
from dataclasses import replace
from pathlib import Path

from stt.errors import AudioError
from stt.wav import Recording, parse

HEAD_BYTES = 4096
"""So much of a file's beginning holds its header and the first samples."""

_RIFF_SIZE = 4
_LARGEST = 0xFFFFFFFF


def mended(head: bytes, length: int, path: Path) -> tuple[bytes, Recording]:
    """The beginning of a WAV file with the right sizes in its header, and what it then holds.

    Args:
        head: the file's first `HEAD_BYTES` bytes, or all of a shorter one, or more.
        length: of the whole file, in bytes.
        path: what an error calls the file.

    Raises:
        AudioError: it is no WAV file that this package reads.
    """
    found = parse(path, io.BytesIO(head), length)
    if not found.repaired:
        return head, found
    whole = bytearray(head)
    end = found.offset + found.size
    struct.pack_into("<I", whole, _RIFF_SIZE, min(end - 8, _LARGEST))
    struct.pack_into("<I", whole, found.offset - 4, min(found.size, _LARGEST))
    return bytes(whole), replace(found, repaired=False)


def repair_wav(path: Path) -> bool:
    """Mend the header of the file at `path`, durably; whether that was needed.

    Raises:
        AudioError: it is no WAV file that this package reads, or cannot be written.
    """
    try:
        with path.open("r+b") as file:
            length = os.fstat(file.fileno()).st_size
            head = file.read(HEAD_BYTES)
            whole, _ = mended(head, length, path)
            if whole == head:
                return False
            file.seek(0)
            file.write(whole)
            file.flush()
            os.fsync(file.fileno())
            return True
    except FileNotFoundError as error:
        raise AudioError(path, "no such file; check the path") from error
    except OSError as error:
        raise AudioError(path, f"cannot be mended: {error.strerror}") from error
