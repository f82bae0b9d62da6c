"""A caller in the columns that calls and tickets share, and back."""

from typing import Any

from desk.region.caller import Caller
from desk.text import canonical, parsed, storable

CALLER_COLUMNS = ("caller_id", "caller_kind", "e164", "province", "city", "area_code", "cities")


def caller_columns(caller: Caller, caller_id: str | None = None) -> dict[str, str]:
    """The columns for `caller`; `caller_id` is what the trunk sent, if it differs."""
    return {
        "caller_id": storable(caller.input if caller_id is None else caller_id, 200),
        "caller_kind": caller.kind,
        "e164": storable(caller.e164, 40),
        "province": caller.province,
        "city": caller.city,
        "area_code": caller.area_code,
        "cities": canonical_list(caller.cities),
    }


def caller_of(row: Any) -> Caller:
    """The caller in a row of calls or tickets."""
    return Caller(
        input=row.caller_id,
        kind=row.caller_kind,
        e164=row.e164,
        province=row.province,
        city=row.city,
        area_code=row.area_code,
        cities=tuple(parsed(row.cities)),
    )


def caller_body(caller: Caller) -> dict[str, Any]:
    """The caller as a timeline entry tells it."""
    return {
        "caller_id": storable(caller.input, 200),
        "kind": caller.kind,
        "e164": caller.e164,
        "province": caller.province,
        "city": caller.city,
        "area_code": caller.area_code,
    }


def canonical_list(values: tuple[Any, ...]) -> str:
    """A tuple of texts or numbers as a JSON list."""
    return canonical(values) if values else "[]"
