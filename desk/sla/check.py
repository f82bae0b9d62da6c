"""Names in the `sla:` section that lead nowhere."""

from collections.abc import Collection, Iterator
from difflib import get_close_matches
from pathlib import Path

from desk.calendar import CalendarFileError, read_overrides
from desk.region import areas
from desk.sla.settings import DEFAULT, SlaSettings

ABROAD = ("香港", "澳门", "台湾")


def check_sla(
    sla: SlaSettings, types: Collection[str], teams: Collection[str], home: Path
) -> Iterator[tuple[tuple[int | str, ...], str]]:
    """Every problem as (where in config.yaml, a sentence with the mend), in the file's order.

    Args:
        types: of tickets.
        home: the folder that paths are relative to.
    """
    for team, calendar in sla.calendars.items():
        if team != DEFAULT and team not in teams:
            yield ("sla", "calendars", team), _unknown("team", team, [*teams, DEFAULT])
        if calendar.file is not None:
            try:
                read_overrides(home / calendar.file)
            except CalendarFileError as error:
                yield ("sla", "calendars", team, "file"), str(error)
    provinces = {area.province for area in areas().values()}.union(ABROAD)
    for place, policy in enumerate(sla.policies):
        for position, region in enumerate(policy.regions):
            at = ("sla", "policies", place, "regions", position)
            area = areas().get(region)
            if area is not None and area.area_code != region:
                yield at, f"{region} was merged into {area.area_code}; use that"
            elif area is None and region not in provinces:
                yield at, _unknown("area code or province", region, provinces)
        for position, name in enumerate(policy.types):
            if name not in types:
                at = ("sla", "policies", place, "types", position)
                yield at, _unknown("ticket type", name, types)


def _unknown(kind: str, name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, list(known), n=1, cutoff=0.5)
    if near:
        return f"no {kind} named {name!r}; did you mean {near[0]!r}?"
    shown = ", ".join(sorted(known)[:12]) + (", …" if len(known) > 12 else "")
    return f"no {kind} named {name!r}; use one of {shown}, or add it"
