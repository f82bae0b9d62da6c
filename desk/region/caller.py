"""What is known of a caller from the number alone."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "landline",  # a Chinese fixed line; the area code gives the region
    "mobile",  # a Chinese mobile; the segment (first seven digits) gives the region, if known
    "service",  # 95588, 10086, 12345, 400/800, privacy numbers (700…), IoT cards: no person's line
    "international",  # abroad, and Hong Kong, Macao and Taiwan
    "internal",  # an extension of the PBX
    "hidden",  # the caller, or the network, withholds the number
    "invalid",  # digits, but no number that could be dialled back
    "unknown",  # not readable as a caller id at all
]


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller id and what it says. Every text is `""` where nothing is known.

    Attributes:
        input: the caller id exactly as it was received.
        e164: the number with country code (ITU-T E.164, `+8622…`); `""` when it cannot be dialled
            back from anywhere, so also for service numbers.
        province: short name (天津, 内蒙古); 香港, 澳门 or 台湾 for +852, +853, +886.
        city: short name; the main one when several share the area code.
        area_code: with its zero (`022`); the present one where the code has been merged away.
        cities: all cities that the number may belong to, the main one first.
    """

    input: str
    kind: Kind
    e164: str = ""
    province: str = ""
    city: str = ""
    area_code: str = ""
    cities: tuple[str, ...] = ()
