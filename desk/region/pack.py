"""Make the built-in segment table from the PyPI package `phone`: `python -m desk.region.pack`.

Run it after the package was upgraded and commit `segments.bin`; a test compares the two. The
layout of `phone.dat`: version (4 bytes), offset of the first segment (int32), zero-ended records
`province|city|post code|area code`, then per segment (int32 segment, int32 offset of its record,
uint8 carrier), all little-endian.
"""

import struct
from importlib import metadata
from pathlib import Path

from desk.region.area_codes import areas
from desk.region.table import Region, RegionTable, write_atomically

_HEAD = struct.Struct("<4si")
_SEGMENT = struct.Struct("<iiB")
_SLIPS = {"00479": "0479"}  # area codes that the upstream data spells wrongly


def region_of(province: str, city: str, area_code: str) -> Region | None:
    """A record as a region of today; None if the area code does not exist.

    A code that was merged away gets its successor, and its city's name of today.
    """
    area = areas().get(_SLIPS.get(area_code, area_code))
    if area is None:
        return None
    merged = area.area_code != area.dialled
    return Region(province, area.city if merged else city, area.area_code)


def read_phone_dat(data: bytes, source: str) -> RegionTable:
    """The table in the content of a `phone.dat`.

    Raises:
        ValueError: a record names an area code that does not exist.
    """
    _, first = _HEAD.unpack_from(data)
    records: dict[int, Region] = {}
    segments: dict[int, Region] = {}
    for segment, offset, _carrier in _SEGMENT.iter_unpack(data[first:]):
        region = records.get(offset)
        if region is None:
            record = data[offset : data.index(b"\0", offset)].decode()
            province, city, _post_code, area_code = record.split("|")
            region = region_of(province, city, area_code)
            if region is None:
                raise ValueError(f"unknown area code {area_code!r} of segment {segment}")
            records[offset] = region
        segments[segment] = region
    return RegionTable.build(segments, source)


def pack_phone() -> RegionTable:
    """The table of the installed package `phone`."""
    package = metadata.distribution("phone")
    data = Path(str(package.locate_file("phone/phone.dat"))).read_bytes()
    return read_phone_dat(data, f"phone {package.version} ({data[:4].decode()})")


if __name__ == "__main__":
    write_atomically(Path(__file__).with_name("segments.bin"), pack_phone().pack())
