"""The segment table: which city the first seven digits of a mobile number belong to.

One unsigned 16-bit number per segment from 1300000 on, which is an index into a short list of
regions; index 0 means "not assigned". In a file: magic, length of the description, description
(JSON: source, date, count, regions), the numbers (little-endian, zlib), SHA-256 of all before it.
"""

import contextlib
import hashlib
import json
import os
import struct
import sys
import tempfile
import zlib
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

FIRST_SEGMENT = 1_300_000
SEGMENTS = 700_000  # up to 1999999

_MAGIC = b"huisheng segments 1\n"
_LENGTH = struct.Struct("<I")
_DIGEST_BYTES = 32
_FILE_NAME = "segments.bin"


class RegionTableError(Exception):
    """A segment table that cannot be read. `str()` names the file and the mend."""


@dataclass(frozen=True, slots=True)
class Region:
    """Where a segment's numbers are from: short names, area code with its zero."""

    province: str
    city: str
    area_code: str


class RegionTable:
    """Region of each mobile segment. Immutable, about 1.4 MB; safe to share between threads."""

    __slots__ = ("_index", "_regions", "source")

    def __init__(self, index: "array[int]", regions: tuple[Region, ...], source: str) -> None:
        self._index = index
        self._regions: tuple[Region | None, ...] = (None, *regions)
        self.source = source

    @classmethod
    def build(cls, segments: Mapping[int, Region], source: str) -> "RegionTable":
        """Pack `{1300000: Region(…), …}`; `source` says where the data is from, for people."""
        regions = tuple(dict.fromkeys(segments[segment] for segment in sorted(segments)))
        number = {region: at for at, region in enumerate(regions, start=1)}
        index = array("H", bytes(2 * SEGMENTS))
        for segment, region in segments.items():
            index[segment - FIRST_SEGMENT] = number[region]
        return cls(index, regions, source)

    @classmethod
    def builtin(cls) -> "RegionTable":
        """The table that the package ships (see docs/decisions/0004-region-table.md)."""
        return _builtin()

    @classmethod
    def load(cls, state_dir: Path | None = None) -> "RegionTable":
        """The table that `huisheng region update` left in the state directory, else the built-in.

        Raises:
            RegionTableError: a table is there, but cannot be read or is damaged.
        """
        path = None if state_dir is None else updated_path(state_dir)
        if path is None or not path.exists():
            return _builtin()
        try:
            return cls._unpack(path.read_bytes())
        except (OSError, ValueError, LookupError, zlib.error) as error:
            raise RegionTableError(
                f"{path}: not a usable segment table ({error}); run `huisheng region update"
                " FILE.csv` again, or delete the file to use the built-in table"
            ) from error

    def region(self, segment: int) -> Region | None:
        """Region of a segment (1300000 to 1999999); None if it is not in the table.

        Raises:
            IndexError: the number is above that range; below it the answer means nothing.
        """
        return self._regions[self._index[segment - FIRST_SEGMENT]]

    def segments(self) -> Iterator[tuple[int, Region]]:
        """Every assigned segment with its region, ascending."""
        for segment, at in enumerate(self._index, start=FIRST_SEGMENT):
            region = self._regions[at]
            if region is not None:
                yield segment, region

    def __len__(self) -> int:
        return SEGMENTS - self._index.count(0)

    def save(self, state_dir: Path) -> Path:
        """Put the table into the state directory, replacing the former one at once or not at all.

        Raises:
            OSError: the folder cannot be written.
        """
        path = updated_path(state_dir)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, self.pack())
        return path

    def pack(self) -> bytes:
        """The file's content: the same table always gives the same bytes."""
        description = {
            "source": self.source,
            "regions": [[r.province, r.city, r.area_code] for r in self._regions[1:] if r],
        }
        head = json.dumps(description, ensure_ascii=False, separators=(",", ":")).encode()
        body = zlib.compress(_little_endian(self._index).tobytes(), 9)
        content = b"".join((_MAGIC, _LENGTH.pack(len(head)), head, body))
        return content + hashlib.sha256(content).digest()

    @classmethod
    def _unpack(cls, data: bytes) -> "RegionTable":
        content, digest = data[:-_DIGEST_BYTES], data[-_DIGEST_BYTES:]
        if not content.startswith(_MAGIC) or hashlib.sha256(content).digest() != digest:
            raise ValueError("damaged, or of another version")
        start = len(_MAGIC) + _LENGTH.size
        end = start + _LENGTH.unpack_from(content, len(_MAGIC))[0]
        description = json.loads(content[start:end])
        index = array("H", zlib.decompress(content[end:], bufsize=2 * SEGMENTS))
        if len(index) != SEGMENTS:
            raise ValueError(f"{len(index)} segments instead of {SEGMENTS}")
        regions = tuple(Region(*names) for names in description["regions"])
        return cls(_little_endian(index), regions, description["source"])


def updated_path(state_dir: Path) -> Path:
    """Where an updated table lives."""
    return state_dir / "region" / _FILE_NAME


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file so that a reader, or a power cut, finds the old or the new one, whole."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name + ".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@cache
def _builtin() -> RegionTable:
    return RegionTable._unpack((resources.files(__package__) / _FILE_NAME).read_bytes())


def _little_endian(index: "array[int]") -> "array[int]":
    if sys.byteorder == "big":
        index = index[:]
        index.byteswap()
    return index
