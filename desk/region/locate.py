"""Kind and region of a caller id, by the Chinese numbering plan (电信网编号计划, 2017 edition).

The order of the questions matters: 010-1xxxxxxx is no mobile, 0081… no area code, 95588 no number
of 0955. Service numbers never get a region from their digits.
"""

import re
from functools import lru_cache

from desk.region.area_codes import Area, areas
from desk.region.caller import Caller, Kind
from desk.region.table import RegionTable
from desk.region.written import GARBLED, HIDDEN, UNREADABLE, dial_string

_SERVICE = re.compile(
    r"1(?:1\d|2[0-2])"  # 110, 114, 119, 120, 122
    r"|1\d{4}"  # 10086, 12345, 17951
    r"|100(?:00|01|1[01]|50|60|70|86|99)\d{1,6}"  # a carrier's desks: 1008611
    r"|10\d{6}"  # 1010xxxx
    r"|11\d{4}"  # 116114
    r"|16[08]\d{2,5}"
    r"|9[56]\d{3,6}"
    r"|[48]00\d{7}"
    r"|106\d{5,6}|106\d{8,17}"  # message ports; ten digits would be a line of 010
    r"|14\d{11}"  # IoT cards (others begin with 1064)
    r"|700\d{12}"  # privacy numbers (2025 pilot)
)
_AREA_SERVICE = re.compile(r"1(?:1\d|2[0-2])|1\d{4}|10\d{6}|9[56]\d{3,6}")  # 022-12345
_CARRIER_PREFIXES = frozenset(  # IP-dial and long-distance prefixes that a carrier leaves in front
    ("12593", "17951", "17900", "17901", "17908", "17909", "17911", "10193")
)
_NEAR_ABROAD = {"852": "香港", "853": "澳门", "886": "台湾"}
_BARE_NEAR_ABROAD = re.compile(r"852[2-9]\d{7}|853[268]\d{7}|886[2-9]\d{7,8}")  # without + or 00
_INTERNAL_DIGITS = range(1, 7)


def locate(caller_id: str, home_area_code: str = "", *, table: RegionTable | None = None) -> Caller:
    """What a caller id says of its owner. Never raises, whatever the text is.

    Args:
        caller_id: as it arrived from the trunk, in any form.
        home_area_code: `022`: whose numbers those of 7 or 8 digits are; `""` if none.
        table: the segment table; the built-in one when left out.
    """
    if table is None:
        table = RegionTable.builtin()
    digits = caller_id
    bare = digits[1:] if digits[:1] == "+" else digits
    if not (bare.isdigit() and bare.isascii() and len(bare) < 20):  # the usual case costs nothing
        digits = dial_string(caller_id)
        if digits == UNREADABLE:
            return Caller(caller_id, "unknown")
        if digits == HIDDEN:
            return Caller(caller_id, "hidden")
        if digits == GARBLED:
            return Caller(caller_id, "invalid")
    return _Reader(caller_id, home_area_code, table).read(digits)


class _Reader:
    """One caller id being read; each method returns the Caller, or None for "not one of mine"."""

    __slots__ = ("home", "input", "table")

    def __init__(self, caller_id: str, home_area_code: str, table: RegionTable) -> None:
        self.input = caller_id
        self.home = home_area_code
        self.table = table

    def read(self, digits: str) -> Caller:
        """A dial string, with or without `+`."""
        if digits[0] == "+":
            if digits[1:2] != "0":  # some gateways put the + before a trunk zero
                return self._international(digits[1:])
            digits = digits[1:]
        if _is_mobile(digits):
            return self._mobile(digits)
        if not digits.strip("0"):
            return Caller(self.input, "hidden")
        if digits.startswith("00"):
            return self._international(digits[2:])
        return (
            self._with_trunk_zero(digits)
            or self._service(digits)
            or self._local(digits)
            or self._short_of_a_prefix(digits)
            or Caller(self.input, "invalid")
        )

    def _international(self, digits: str) -> Caller:
        if digits.startswith("86"):
            return self._chinese(digits[2:]) or Caller(self.input, "invalid")
        if not _is_possible(digits):
            return Caller(self.input, "invalid")
        place = _NEAR_ABROAD.get(digits[:3], "")
        cities = (place,) if place else ()
        return Caller(self.input, "international", "+" + digits, place, place, "", cities)

    def _chinese(self, digits: str) -> Caller | None:
        """What follows the country code; the trunk zero should be gone, but often is not."""
        if _is_mobile(digits):
            return self._mobile(digits)
        if digits.startswith("0"):
            return self._with_trunk_zero(digits)
        return self._service(digits) or self._with_trunk_zero("0" + digits)

    def _with_trunk_zero(self, digits: str) -> Caller | None:
        if digits[0] != "0":
            return None
        if _is_mobile(digits[1:]):
            return self._mobile(digits[1:])
        known = areas()
        area = known.get(digits[:3]) or known.get(digits[:4])
        if area is None:
            return None
        return self._landline(area, digits[len(area.dialled) :])

    def _landline(self, area: Area, local: str) -> Caller:
        """A number behind an area code. One that cannot exist may still tell its region, unless
        its length shows that it was not meant so at all."""
        first = local[:1]
        if len(local) in area.local_digits and "2" <= first <= "8":
            return self._in_area("landline", area, f"+86{area.dialled[1:]}{local}")
        if _AREA_SERVICE.fullmatch(local):
            return self._in_area("service", area, "")
        if len(local) in (area.local_digits or (7, 8)):
            return self._in_area("invalid", area, "")
        return Caller(self.input, "invalid")

    def _in_area(self, kind: Kind, area: Area, e164: str) -> Caller:
        return Caller(self.input, kind, e164, area.province, area.city, area.area_code, area.cities)

    def _mobile(self, digits: str) -> Caller:
        region = self.table.region(int(digits[:7]))
        if region is None:
            return Caller(self.input, "mobile", "+86" + digits)
        city = region.city
        return Caller(
            self.input, "mobile", "+86" + digits, region.province, city, region.area_code, (city,)
        )

    def _service(self, digits: str) -> Caller | None:
        return Caller(self.input, "service") if _SERVICE.fullmatch(digits) else None

    def _local(self, digits: str) -> Caller | None:
        """An extension of the PBX, or a number of the home area."""
        if len(digits) in _INTERNAL_DIGITS and digits[0] != "0":
            return Caller(self.input, "internal")
        area = areas().get(self.home)
        if area is None or len(digits) not in area.local_digits or not "2" <= digits[0] <= "8":
            return None
        return self._landline(area, digits)

    def _short_of_a_prefix(self, digits: str) -> Caller | None:
        """Numbers that lost their zero, plus sign or 00, or carry a carrier's prefix."""
        if digits[:5] in _CARRIER_PREFIXES:
            behind = _Reader(self.input, self.home, self.table).read(digits[5:])
            return behind if behind.e164 else None
        if _BARE_NEAR_ABROAD.fullmatch(digits):
            return self._international(digits)
        if digits.startswith("86") and len(digits) >= 12:
            return self._chinese(digits[2:])
        without_zero = self._with_trunk_zero("0" + digits)
        return without_zero if without_zero and without_zero.e164 else None


def _is_mobile(digits: str) -> bool:
    return len(digits) == 11 and digits[0] == "1" and digits[1] >= "3"


@lru_cache(maxsize=4096)
def _is_possible(digits: str) -> bool:
    """Whether a number of some country can look like this (libphonenumber's lengths)."""
    import phonenumbers  # 20 ms that only a foreign caller costs

    if not 5 <= len(digits) <= 15:
        return False
    try:
        number = phonenumbers.parse("+" + digits)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_possible_number(number)
