"""The encrypted form of a file: chunks that can be read in any order and vouch for their place.

    header   8 bytes "HSREC\\0\\0\\1", 8 bytes id of the key, 16 random bytes
    chunks   each of up to 65,536 bytes, encrypted with AES-256-GCM, then its tag of 16 bytes

Each file has a key of its own: HKDF-SHA256 of the key, the random bytes and, as context, header
and name; so an edited header, or a file that was given another one's name, decrypts to nothing.
A chunk's nonce is its number (11 bytes, big-endian) and a byte that is 1 for the last chunk only:
chunks that were moved, dropped or put in between are detected, and so is a file that was cut off,
even between two chunks. (The STREAM construction: Hoang, Reyhanitabar, Rogaway, Vizár, "Online
Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", 2015.)
"""

import os
from collections.abc import Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from desk.recordings.keys import KEY_BYTES, KEY_ID_BYTES, Keys, key_id

MAGIC = b"HSREC\0\0\1"
SALT_BYTES = 16
HEADER_BYTES = len(MAGIC) + KEY_ID_BYTES + SALT_BYTES
CHUNK_BYTES = 65_536
TAG_BYTES = 16
SEALED_BYTES = CHUNK_BYTES + TAG_BYTES


class Damaged(Exception):  # noqa: N818 - says what the file is
    """The container is not what was written. The text says how, to follow "the file …"."""


class NoKey(Exception):  # noqa: N818
    """The container was made with another key, whose id (hexadecimal) this is."""


def key_id_in(header: bytes) -> bytes | None:
    """The id of the key that a file beginning so was made with; None if it is no container."""
    if len(header) < HEADER_BYTES or not header.startswith(MAGIC):
        return None
    return header[len(MAGIC) : len(MAGIC) + KEY_ID_BYTES]


class Sealer:
    """Encrypts one file: `header`, then what `seal` gives for each piece, then `finish()`."""

    def __init__(self, key: bytes, name: str) -> None:
        self.header = MAGIC + key_id(key) + os.urandom(SALT_BYTES)
        self._cipher = _cipher(key, self.header, name)
        self._held = bytearray()
        self._number = 0

    def seal(self, data: bytes) -> bytes:
        """What to write for `data`. Up to a chunk is held back: it may be the last one."""
        self._held += data
        out = bytearray()
        while len(self._held) > CHUNK_BYTES:
            out += self._chunk(bytes(self._held[:CHUNK_BYTES]), last=False)
            del self._held[:CHUNK_BYTES]
        return bytes(out)

    def finish(self) -> bytes:
        """The last chunk. An empty file has one too, an empty one."""
        return self._chunk(bytes(self._held), last=True)

    def _chunk(self, data: bytes, *, last: bool) -> bytes:
        sealed = self._cipher.encrypt(_nonce(self._number, last=last), data, None)
        self._number += 1
        return sealed


class Opened:
    """An encrypted file, open for reading; `size` is that of what it holds, in bytes.

    The end of the file is checked here, every chunk when it is read.

    Raises:
        Damaged: it is no such file, or was cut off or edited.
        NoKey: none of the keys made it.
    """

    def __init__(self, file: BinaryIO, keys: Keys | None, name: str) -> None:
        self._file = file
        header = file.read(HEADER_BYTES)
        wanted = key_id_in(header)
        if wanted is None:
            raise Damaged("is not an encrypted recording")
        key = keys.by_id(wanted) if keys is not None else None
        if key is None:
            raise NoKey(wanted.hex())
        self._cipher = _cipher(key, header, name)
        body = file.seek(0, os.SEEK_END) - HEADER_BYTES
        self._chunks = max(1, -(-body // SEALED_BYTES))
        self.size = body - self._chunks * TAG_BYTES
        if self.size < 0:
            raise Damaged("was cut off")
        self._last = self._read(self._chunks - 1)

    def blocks(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from `start` up to `stop`, a chunk at a time.

        Raises:
            Damaged: a chunk was edited.
        """
        stop = min(stop, self.size)
        while start < stop:
            number, at = divmod(start, CHUNK_BYTES)
            chunk = self._last if number == self._chunks - 1 else self._read(number)
            block = chunk[at : at + stop - start]
            yield block
            start += len(block)

    def _read(self, number: int) -> bytes:
        self._file.seek(HEADER_BYTES + number * SEALED_BYTES)
        sealed = self._file.read(SEALED_BYTES)
        last = number == self._chunks - 1
        try:
            return self._cipher.decrypt(_nonce(number, last=last), sealed, None)
        except InvalidTag as error:
            raise Damaged(
                "was cut off or edited" if last else f"was edited in chunk {number}"
            ) from error


def _cipher(key: bytes, header: bytes, name: str) -> AESGCM:
    salt, context = header[-SALT_BYTES:], b"huisheng recording\0" + header + name.encode()
    return AESGCM(HKDF(SHA256(), KEY_BYTES, salt, context).derive(key))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
