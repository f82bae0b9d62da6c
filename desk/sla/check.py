"""Names in the `sla:` section that lead nowhere."""

from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from desk.calendar import CalendarFileError, read_overrides
from desk.region import areas
from desk.sla.settings import DEFAULT, PolicySettings, SlaSettings

Wrong = tuple[tuple[int | str, ...], str]
ABROAD = ("香港", "澳门", "台湾")


def check_sla(
    sla: SlaSettings, types: Collection[str], teams: Collection[str], home: Path
) -> Iterator[Wrong]:
    """Every problem as (where in config.yaml, a sentence with the mend), in the file's order.

    Args:
        types: of tickets.
        home: the folder that paths are relative to.
    """
    for team, calendar in sla.calendars.items():
        for where, sentence in _check_team(team, teams):
            yield ("sla", *where), sentence
        if calendar.file is not None:
            try:
                read_overrides(home / calendar.file)
            except CalendarFileError as error:
                yield ("sla", "calendars", team, "file"), str(error)
    for where, sentence in _check_policies(sla.policies, types):
        yield ("sla", *where), sentence


def check_names(
    policies: Sequence[PolicySettings],
    calendars: Collection[str],
    types: Collection[str],
    teams: Collection[str],
) -> Iterator[Wrong]:
    """Teams, regions and ticket types that do not exist, each as (where, a sentence)."""
    for team in calendars:
        yield from _check_team(team, teams)
    yield from _check_policies(policies, types)


def _check_team(team: str, teams: Collection[str]) -> Iterator[Wrong]:
    if team != DEFAULT and team not in teams:
        yield ("calendars", team), _unknown("team", team, [*teams, DEFAULT])


def _check_policies(policies: Sequence[PolicySettings], types: Collection[str]) -> Iterator[Wrong]:
    provinces = {area.province for area in areas().values()}.union(ABROAD)
    for place, policy in enumerate(policies):
        at: tuple[int | str, ...]
        for position, region in enumerate(policy.regions):
            at = ("policies", place, "regions", position)
            area = areas().get(region)
            if area is not None and area.area_code != region:
                yield at, f"{region} was merged into {area.area_code}; use that"
            elif area is None and region not in provinces:
                yield at, _unknown("area code or province", region, provinces)
        for position, name in enumerate(policy.types):
            if name not in types:
                at = ("policies", place, "types", position)
                yield at, _unknown("ticket type", name, types)


def _unknown(kind: str, name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, list(known), n=1, cutoff=0.5)
    if near:
        return f"no {kind} named {name!r}; did you mean {near[0]!r}?"
    shown = ", ".join(sorted(known)[:12]) + (", …" if len(known) > 12 else "")
    return f"no {kind} named {name!r}; use one of {shown}, or add it"
