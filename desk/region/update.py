"""Read a newer segment table from a CSV file, whole or not at all.

Columns: prefix (seven digits), province, city, area_code, carrier; UTF-8, with a header line. Its
segments go before the built-in ones; a segment that it does not name keeps its built-in region, so
a partial file never makes callers unknown.
"""

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from desk.region.pack import region_of
from desk.region.table import Region, RegionTable

COLUMNS = ("prefix", "province", "city", "area_code", "carrier")
_PREFIX = re.compile(r"1[3-9][0-9]{5}")
_MAX_LINE_BYTES = 400
_MAX_NAME = 20
_PROGRESS_EVERY = 5_000  # lines


class SegmentFileError(Exception):
    """A CSV file that is not taken. `str()` is `file:line: what is wrong; the mend`."""

    def __init__(self, path: Path, line: int, message: str) -> None:
        super().__init__(f"{path}:{line}: {message}")
        self.path = path
        self.line = line


@dataclass(frozen=True, slots=True)
class Update:
    """A checked file: the table to save, and how it differs from the built-in one."""

    table: RegionTable
    read: int
    new: int
    changed: int


def read_update(path: Path, progress: Callable[[int], None] | None = None) -> Update:
    """Check a CSV file and lay it over the built-in table. Nothing is saved.

    Args:
        path: the file.
        progress: is told now and then how many bytes have been read.

    Raises:
        SegmentFileError: the first line that is wrong.
        OSError: the file cannot be read.
    """
    segments = dict(RegionTable.builtin().segments())
    first_seen: dict[int, int] = {}
    new = changed = 0
    with path.open("rb") as file:
        for line, segment, region in _rows(path, file, progress or (lambda _: None)):
            if segment in first_seen:
                raise SegmentFileError(
                    path,
                    line,
                    f"segment {segment} stands in line {first_seen[segment]} already; remove one",
                )
            first_seen[segment] = line
            former = segments.get(segment)
            new += former is None
            changed += former is not None and former != region
            segments[segment] = region
    if not first_seen:
        raise SegmentFileError(path, 2, "no segment in the file; nothing was changed")
    table = RegionTable.build(segments, f"{path.name}, over {RegionTable.builtin().source}")
    return Update(table, len(first_seen), new, changed)


def _rows(
    path: Path, file: BinaryIO, progress: Callable[[int], None]
) -> Iterator[tuple[int, int, Region]]:
    """(line, segment, region) of each row; the header is line 1."""
    regions: dict[tuple[str, str, str], Region] = {}
    for line, fields in _fields(path, file, progress):
        if line == 1:
            if tuple(fields) != COLUMNS:
                raise SegmentFileError(path, 1, f"the first line must be {','.join(COLUMNS)}")
            continue
        if len(fields) != len(COLUMNS):
            raise SegmentFileError(
                path, line, f"{len(fields)} columns instead of {len(COLUMNS)}; is the file whole?"
            )
        prefix, *names, _carrier = fields
        if not _PREFIX.fullmatch(prefix):
            raise SegmentFileError(
                path, line, f"{prefix!r:.40} is no segment; write seven digits from 1300000 on"
            )
        key = (names[0], names[1], names[2])
        region = regions.get(key)
        if region is None:
            region = regions[key] = _checked_region(path, line, *key)
        yield line, int(prefix), region


def _fields(
    path: Path, file: BinaryIO, progress: Callable[[int], None]
) -> Iterator[tuple[int, list[str]]]:
    bytes_read = line = 0
    while raw := file.readline(_MAX_LINE_BYTES):
        line += 1
        bytes_read += len(raw)
        if line % _PROGRESS_EVERY == 0:
            progress(bytes_read)
        if len(raw) == _MAX_LINE_BYTES:
            raise SegmentFileError(path, line, "a line this long is not of a segment table")
        try:
            text = raw.decode("utf-8-sig" if line == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise SegmentFileError(path, line, "not UTF-8; save the file as UTF-8") from error
        try:
            yield line, next(csv.reader([text.rstrip("\r\n")], strict=True), [])
        except csv.Error as error:
            raise SegmentFileError(path, line, f"{error}; one segment per line") from error
    if line == 0:
        raise SegmentFileError(path, 1, "the file is empty")
    progress(bytes_read)


def _checked_region(path: Path, line: int, province: str, city: str, area_code: str) -> Region:
    for what, name in (("province", province), ("city", city)):
        if not name or name != name.strip() or len(name) > _MAX_NAME or not name.isprintable():
            raise SegmentFileError(path, line, f"{name!r:.40} is no name of a {what}")
    region = region_of(province, city, area_code)
    if region is None:
        raise SegmentFileError(
            path, line, f"{area_code!r:.40} is no Chinese area code; write it with its zero (022)"
        )
    return region
