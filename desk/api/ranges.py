"""Range requests for bytes (RFC 9110, section 14), as far as players use them: one range."""

import re
from typing import NamedTuple

_ONE_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.IGNORECASE)


class Span(NamedTuple):
    """The bytes from `start` up to `stop`, of a file that has `size`."""

    start: int
    stop: int
    size: int

    @property
    def length(self) -> int:
        """How many they are."""
        return self.stop - self.start

    @property
    def content_range(self) -> str:
        """What Content-Range says."""
        return f"bytes {self.start}-{self.stop - 1}/{self.size}"


class Unsatisfiable(Exception):  # noqa: N818 - the RFC's word
    """None of the file's bytes lies in the range (416)."""


def asked(wanted: str | None, if_range: str | None, etag: str, size: int) -> Span | None:
    """What part of the file is asked for; None: the whole.

    As the RFC allows, the whole is also the answer to several ranges at once, to another unit and
    to what is no range; it must be if `if_range` names another version of the file.

    Args:
        wanted: the header Range.
        if_range: the header If-Range.
        etag: the file's entity tag, a strong one.

    Raises:
        Unsatisfiable: see there.
    """
    if wanted is None or (if_range is not None and if_range.strip() != etag):
        return None
    found = _ONE_RANGE.fullmatch(wanted.strip())
    if found is None or found[1] == found[2] == "":
        return None
    if not found[1]:
        return _last(int(found[2]), size)
    start, stop = int(found[1]), int(found[2]) + 1 if found[2] else size
    if found[2] and stop <= start:
        return None  # its end is before its beginning: no range
    if start >= size:
        raise Unsatisfiable
    return Span(start, min(stop, size), size)


def _last(count: int, size: int) -> Span | None:
    if count == 0 or size == 0:
        raise Unsatisfiable
    return Span(max(0, size - count), size, size)
