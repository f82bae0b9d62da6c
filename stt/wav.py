"""Recordings as Asterisk leaves them: WAV, mono, PCM16, A-law or µ-law.

A recording whose writer was killed has a header that still says 0 bytes; its length is then taken
from the file. Source: Microsoft RIFF/WAVE (1991), WAVEFORMATEXTENSIBLE (2001).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from stt.errors import AudioError
from stt.g711 import A_LAW, MU_LAW, Samples, decode

PCM, ALAW, MULAW, EXTENSIBLE = 0x0001, 0x0006, 0x0007, 0xFFFE
LOWEST_RATE, HIGHEST_RATE = 8_000, 48_000
UNKNOWN_SIZE = 0xFFFFFFFF
"""What writers put into a header that they cannot come back to."""

LARGEST_FORMAT = 64
"""A format chunk of more bytes is damage, not a format."""

TABLES: dict[int, Samples] = {ALAW: A_LAW, MULAW: MU_LAW}
CONVERT = "convert it: sox IN.wav -r 8000 -c 1 -b 16 -e signed-integer OUT.wav"
FOLLOWING_CHUNKS = (b"LIST", b"fact", b"bext", b"id3 ", b"cue ")


class _Format(NamedTuple):
    tag: int
    channels: int
    rate: int
    bits: int


@dataclass(frozen=True, slots=True)
class Recording:
    """A WAV file that can be read.

    `encoding` is PCM, ALAW or MULAW; `offset` and `size` say in bytes where its samples are;
    `repaired` that the header's size was wrong and the file's size was used.
    """

    path: Path
    encoding: int
    rate: int
    offset: int
    size: int
    repaired: bool

    @property
    def seconds(self) -> float:
        """Length of the speech."""
        return self.size / (self._sample_bytes * self.rate)

    @property
    def _sample_bytes(self) -> int:
        return 1 if self.encoding in TABLES else 2

    def blocks(self, seconds: float) -> Iterator[bytes]:
        """The samples as little-endian PCM16, `seconds` at a time.

        Raises:
            AudioError: the file cannot be read any more.
        """
        step = max(1, int(seconds * self.rate)) * self._sample_bytes
        try:
            with self.path.open("rb") as file:
                file.seek(self.offset)
                left = self.size
                while left and (block := file.read(min(step, left))):
                    left -= len(block)
                    table = TABLES.get(self.encoding)
                    yield block if table is None else decode(block, table).tobytes()
        except OSError as error:
            raise AudioError(self.path, f"cannot be read: {error.strerror}") from error


def probe(path: Path) -> Recording:
    """Read the header of `path`.

    Raises:
        AudioError: missing, unreadable, damaged, or in a form that this package does not read.
    """
    try:
        length = path.stat().st_size
        with path.open("rb") as file:
            return parse(path, file, length)
    except FileNotFoundError as error:
        raise AudioError(path, "no such file; check the path") from error
    except OSError as error:
        raise AudioError(path, f"cannot be read: {error.strerror}") from error


def parse(path: Path, file: BinaryIO, length: int) -> Recording:
    """Read a header from `file`, which stands at its beginning and may end after the header.

    Args:
        path: what an error calls the file.
        length: of the whole file, in bytes.

    Raises:
        AudioError: damaged, or in a form that this package does not read.
    """
    if length == 0:
        raise AudioError(path, "the file is empty; recording never began, see Asterisk's log")
    head = file.read(12)
    if len(head) < 12 or head[:4] != b"RIFF" or head[8:] != b"WAVE":
        raise AudioError(path, f"not a WAV file; {CONVERT}")
    found: _Format | None = None
    while len(chunk := file.read(8)) == 8:
        name, size = chunk[:4], struct.unpack("<I", chunk[4:])[0]
        if name == b"fmt ":
            found = _format(path, file.read(min(size, LARGEST_FORMAT)))
            file.seek(max(0, size - LARGEST_FORMAT) + size % 2, 1)
        elif name == b"data":
            if found is None:
                raise AudioError(path, f"damaged: samples come before their format; {CONVERT}")
            return _recording(path, file, length, found, size)
        else:
            file.seek(size + size % 2, 1)
    raise AudioError(path, f"damaged: the header ends before the samples; {CONVERT}")


def _format(path: Path, body: bytes) -> _Format:
    if len(body) < 16:
        raise AudioError(path, f"damaged: the format is cut short; {CONVERT}")
    tag, channels, rate, _, _, bits = struct.unpack("<HHIIHH", body[:16])
    if tag == EXTENSIBLE and len(body) >= 26:
        tag = struct.unpack("<H", body[24:26])[0]
    if tag not in (PCM, *TABLES):
        raise AudioError(path, f"WAV encoding {tag:#06x} is not PCM, A-law or µ-law; {CONVERT}")
    if channels != 1:
        raise AudioError(path, f"{channels} channels; one is needed, {CONVERT}")
    if bits != (8 if tag in TABLES else 16):
        raise AudioError(path, f"{bits}-bit samples; 16-bit PCM is needed, {CONVERT}")
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise AudioError(path, f"{rate} samples a second; 8000 or 16000 are needed, {CONVERT}")
    return _Format(tag, channels, rate, bits)


def _recording(path: Path, file: BinaryIO, length: int, found: _Format, size: int) -> Recording:
    offset = file.tell()
    rest = length - offset
    # A header that says 0 is either an empty recording or one whose writer was killed.
    unfinished = size == 0 and rest > 0 and file.read(4) not in FOLLOWING_CHUNKS
    repaired = unfinished or size == UNKNOWN_SIZE or size > rest
    usable = rest if repaired else size
    usable -= usable % (found.bits // 8)
    return Recording(path, found.tag, found.rate, offset, usable, repaired)
