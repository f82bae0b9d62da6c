"""What a file is, told by its content: its name and what its sender declares must agree with it.

Only what is on the list is taken; a file that is two things at once (an image with an archive
behind it) is not. Nothing is unpacked, and at most a block is in memory.
"""

import codecs
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import filetype

from desk.errors import Unacceptable

BLOCK = 65_536
HEAD = 8_192
_MOST_UNPACKED = 500 * (1 << 20)
_MOST_ENTRIES = 10_000
_END_OF_ZIP = b"PK\x05\x06"
_TAIL = 22 + 65_535  # an archive's end is not further from the file's
_ACTIVE = (b"<script", b"<html", b"<!doctype", b"<svg", b"<?php", b"<iframe")
_STARTS_OF_CODE = ("<!doctype", "<html", "<head", "<body", "<script", "<svg", "<?xml", "<?php",
                   "<iframe", "#!", "%!ps", "%pdf", "{\\rtf", "@echo")  # fmt: skip


class BadContent(Unacceptable):
    """A file that is not taken; nothing of it was kept."""

    error_id = "attachment-refused"

    def __init__(self, why: str) -> None:
        super().__init__(f"the file is not taken: {why}")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file.

    Attributes:
        type: its media type; `synonyms` are taken for the same.
        endings: of names, without the dot.
    """

    key: str
    type: str
    endings: tuple[str, ...]
    synonyms: tuple[str, ...] = ()


_OFFICE = "application/vnd.openxmlformats-officedocument."
KINDS: Mapping[str, Kind] = {
    kind.key: kind
    for kind in (
        Kind("jpg", "image/jpeg", ("jpg", "jpeg"), ("image/jpg",)),
        Kind("png", "image/png", ("png",)),
        Kind("gif", "image/gif", ("gif",)),
        Kind("webp", "image/webp", ("webp",)),
        Kind("pdf", "application/pdf", ("pdf",)),
        Kind("docx", f"{_OFFICE}wordprocessingml.document", ("docx",)),
        Kind("xlsx", f"{_OFFICE}spreadsheetml.sheet", ("xlsx",)),
        Kind("pptx", f"{_OFFICE}presentationml.presentation", ("pptx",)),
        Kind("txt", "text/plain", ("txt", "log")),
        Kind("csv", "text/csv", ("csv",), ("text/plain", "application/vnd.ms-excel")),
        Kind("mp3", "audio/mpeg", ("mp3",), ("audio/mp3",)),
        Kind("wav", "audio/wav", ("wav",), ("audio/x-wav", "audio/wave", "audio/vnd.wave")),
        Kind("amr", "audio/amr", ("amr",)),
        Kind("m4a", "audio/mp4", ("m4a",), ("audio/x-m4a", "audio/m4a")),
        Kind("mp4", "video/mp4", ("mp4",)),
    )
}
_TEXTS = ("txt", "csv")
_PARTS = {"word/": "docx", "xl/": "xlsx", "ppt/": "pptx"}


def checked(file: BinaryIO, size: int, name: str, declared: str, allowed: tuple[str, ...]) -> Kind:
    """The kind of a file.

    Args:
        file: open, seekable.
        name: as its sender calls it.
        declared: the media type that its sender declares.
        allowed: keys of `KINDS`.

    Raises:
        BadContent: it is none that is taken, or not what it is called.
    """
    if size == 0:
        raise BadContent("it is empty")
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    key = told(file, size, ending)
    if key not in KINDS or key not in allowed:
        raise BadContent(
            f"its content is {key or 'of an unknown kind'}; taken are {', '.join(allowed)}"
        )
    kind = KINDS[key]
    media_type = declared.partition(";")[0].strip().lower()
    if media_type not in (kind.type, *kind.synonyms):
        raise BadContent(f"its content is {kind.type}, and it was declared as {media_type[:100]!r}")
    if ending not in kind.endings:
        raise BadContent(
            f"its content is {kind.type}, and its name does not end in .{kind.endings[0]}"
        )
    _CHECKS.get(key, _plain)(file, size)
    return kind


def told(file: BinaryIO, size: int, ending: str) -> str:
    """What the content is: a key of `KINDS`, or another word for what is not taken; `""`: unknown.
    A text is CSV if its name says so: only that tells the two apart.
    """
    file.seek(0)
    head = file.read(HEAD)
    if head.startswith(b"PK\x03\x04"):
        return _office(file) or "zip"
    found: Any = filetype.guess(head)  # type: ignore[no-untyped-call]
    if found is not None:
        return str(found.extension)
    if not _is_text(file):
        return ""
    return ending if ending in _TEXTS else "txt"


def _office(file: BinaryIO) -> str:
    """Which Office document an archive is; `""`: none."""
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise BadContent("its archive is damaged") from error
    names = [entry.filename for entry in entries]
    kinds = {kind for part, kind in _PARTS.items() if any(name.startswith(part) for name in names)}
    if "[Content_Types].xml" not in names or len(kinds) != 1:
        return ""
    if len(entries) > _MOST_ENTRIES or sum(entry.file_size for entry in entries) > _MOST_UNPACKED:
        raise BadContent("it would be too large once unpacked")
    if min(entry.header_offset for entry in entries) != 0:
        raise BadContent("something stands before its archive")
    for entry in entries:
        low = entry.filename.lower()
        if entry.flag_bits & 1 or ".." in low.split("/") or low.startswith("/"):
            raise BadContent("its archive is encrypted, or leads out of itself")
        if "vbaproject" in low or "/activex/" in low or low.endswith((".exe", ".dll", ".js")):
            raise BadContent("it holds macros or programs")
    return kinds.pop()


def _is_text(file: BinaryIO) -> bool:
    """Whether all of it is text in UTF-8, UTF-16 with its mark, or GB 18030, and no program or page
    that a browser would run.
    """
    file.seek(0)
    head = file.read(4)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _decodes(file, "utf-16")
    return _decodes(file, "utf-8-sig") or _decodes(file, "gb18030")


def _decodes(file: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    first = True
    while True:
        block = file.read(BLOCK)
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError:
            return False
        if any((char < " " and char not in "\t\n\r\f") or char == "\x7f" for char in text):
            return False
        low = text.lstrip("\N{ZERO WIDTH NO-BREAK SPACE} \t\r\n").lower()
        if first and low:
            first = False
            if low.startswith(_STARTS_OF_CODE):
                raise BadContent("it is a page or a program, not text")
        if not block:
            return True


def _plain(file: BinaryIO, size: int) -> None:
    """What no file of a single kind has: a second kind before or behind it."""
    file.seek(0)
    head = file.read(HEAD).lower()
    tail = _tail(file, size)
    if any(mark in head or mark in tail[-HEAD:].lower() for mark in _ACTIVE):
        raise BadContent("a page or a program is hidden in it")
    if b"%pdf-" in head[1:1024]:
        raise BadContent("a PDF document is hidden in it")
    _no_archive(tail)


def _no_archive(tail: bytes) -> None:
    """No archive ends with the file: its end says how long the comment behind it is."""
    place = tail.rfind(_END_OF_ZIP)
    while place >= 0:
        comment = tail[place + 20 : place + 22]
        if len(comment) == 2 and place + 22 + int.from_bytes(comment, "little") >= len(tail):
            raise BadContent("an archive is hidden in it")
        place = tail.rfind(_END_OF_ZIP, 0, place)


def _png(file: BinaryIO, size: int) -> None:
    _plain(file, size)
    if not _tail(file, size).endswith(b"IEND\xaeB`\x82"):
        raise BadContent("something stands behind the image, or it was cut off")


def _gif(file: BinaryIO, size: int) -> None:
    _plain(file, size)
    if not _tail(file, size).rstrip(b"\0").endswith(b";"):
        raise BadContent("something stands behind the image, or it was cut off")


def _riff(file: BinaryIO, size: int) -> None:
    _plain(file, size)
    file.seek(4)
    told_size = int.from_bytes(file.read(4), "little") + 8
    if told_size + 1 < size:
        raise BadContent("something stands behind it")


def _pdf(file: BinaryIO, size: int) -> None:
    tail = _tail(file, size)
    if b"%%EOF" not in tail[-1024:]:
        raise BadContent("it was cut off")
    _no_archive(tail)


def _tail(file: BinaryIO, size: int) -> bytes:
    file.seek(max(0, size - _TAIL))
    return file.read(_TAIL)


def _as_told(_file: BinaryIO, _size: int) -> None:
    """What told the kind has looked at all of it."""


_CHECKS: Mapping[str, Callable[[BinaryIO, int], None]] = {
    "png": _png,
    "gif": _gif,
    "webp": _riff,
    "wav": _riff,
    "pdf": _pdf,
    "docx": _as_told,
    "xlsx": _as_told,
    "pptx": _as_told,
    "txt": _as_told,
    "csv": _as_told,
}
