"""Keys of encrypted recordings: the first encrypts, all of them decrypt."""

import base64
import binascii
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from desk.recordings.errors import KEY_VARIABLE, BadKey

KEY_BYTES = 32
KEY_ID_BYTES = 8


def key_id(key: bytes) -> bytes:
    """What names a key in the files made with it, and tells nothing of it."""
    return hashlib.sha256(b"huisheng recording key\0" + key).digest()[:KEY_ID_BYTES]


@dataclass(frozen=True, slots=True)
class Keys:
    """One key or more, each of 32 bytes. To change the key, put the new one before the old."""

    current: bytes = field(repr=False)
    former: tuple[bytes, ...] = field(default=(), repr=False)

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ) -> Self | None:
        """The keys in HUISHENG_RECORDING_KEY: base64, separated by spaces; None if it is empty.

        Raises:
            BadKey: one of them is not 32 bytes in base64.
        """
        given = environ.get(KEY_VARIABLE, "").split()
        if not given:
            return None
        current, *former = (_decoded(text, place) for place, text in enumerate(given, 1))
        return cls(current, tuple(former))

    def by_id(self, wanted: bytes) -> bytes | None:
        """The key with this id."""
        return next((key for key in (self.current, *self.former) if key_id(key) == wanted), None)


def keys_for(encrypt: bool, environ: Mapping[str, str] = os.environ) -> Keys | None:
    """The keys, which must be there if recordings are to be encrypted.

    Raises:
        BadKey: `encrypt` without a key, or what is given is no key.
    """
    keys = Keys.read(environ)
    if encrypt and keys is None:
        raise BadKey("recording.encrypt is on, and there is no key")
    return keys


def _decoded(text: str, place: int) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise BadKey(f"key {place} in {KEY_VARIABLE} is not {KEY_BYTES} bytes in base64")
    return key
