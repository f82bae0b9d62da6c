"""Checks of the `ivr:` section that go across its parts: names that must exist, menus that nobody
reaches, and menus that a caller could never leave."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ari_app.ivr.settings import Action, EntrySettings, IvrSettings, MenuSettings
from ari_app.problem import Problem, unknown
from asterisk_conf.settings import PbxSettings
from desk.calendar import CalendarFileError, read_overrides
from desk.region import areas
from desk.settings import TicketSettings

SPOKEN_BY_CALLS = (
    *("recorded", "unheard", "thanks", "connecting", "nobody", "trouble", "goodbye"),
    *("agent_ready", "agent_away", "invalid"),
)
"""Prompts that a call plays by name, whatever the menus say."""

ABROAD = {"香港", "澳门", "台湾"}
"""Provinces of callers whose number has a country code of its own."""

Location = tuple[int | str, ...]


def check_ivr(
    ivr: IvrSettings, pbx: PbxSettings, tickets: TicketSettings, home: Path
) -> list[Problem]:
    """Every problem of the section, in the order of the file; empty when it can be used.

    `home` is the folder of config.yaml, which relative paths are relative to.
    """
    return [
        *_prompts(ivr, home),
        *_calendar(ivr, home),
        *_entries(ivr, pbx),
        *_regions(ivr, tickets),
        *_menus(ivr, pbx, tickets),
        *_unreachable(ivr),
        *_endless(ivr),
    ]


def actions(menu: MenuSettings) -> Iterator[tuple[Location, Action]]:
    """Every action of a menu with its place below the menu: each key's, then the failure's."""
    for key, action in menu.keys.items():
        yield ("keys", key), action
    yield ("failure",), menu.failure


def _prompts(ivr: IvrSettings, home: Path) -> Iterator[Problem]:
    for name, prompt in ivr.prompts.items():
        if prompt.file is not None and not (home / prompt.file).is_file():
            yield Problem(
                ("ivr", "prompts", name, "file"),
                f"no such file: {home / prompt.file}; put the recording there or use a text",
            )
    for name in SPOKEN_BY_CALLS:
        if name not in ivr.prompts:
            yield Problem(
                ("ivr", "prompts"), f"the prompt {name!r} is missing; every call may need it"
            )


def _calendar(ivr: IvrSettings, home: Path) -> Iterator[Problem]:
    if ivr.calendar_file is None:
        return
    try:
        read_overrides(home / ivr.calendar_file)
    except CalendarFileError as error:
        yield Problem(("ivr", "calendar_file"), str(error))


def _entries(ivr: IvrSettings, pbx: PbxSettings) -> Iterator[Problem]:
    last = len(ivr.entry) - 1
    for position, entry in enumerate(ivr.entry):
        at: Location = ("ivr", "entry", position)
        if entry.menu not in ivr.menus:
            yield Problem((*at, "menu"), unknown("menu", entry.menu, ivr.menus))
        for condition in ("open", "closed"):
            schedule = getattr(entry, condition)
            if schedule is not None and schedule not in ivr.schedules:
                yield Problem((*at, condition), unknown("schedule", schedule, ivr.schedules))
        if entry.open is not None and entry.open == entry.closed:
            yield Problem(at, "never holds: open and closed name the same schedule; remove one")
        for number in entry.numbers:
            if number not in pbx.line_numbers:
                yield Problem((*at, "numbers"), unknown("line number", number, pbx.line_numbers))
        if position < last and not _conditional(entry):
            yield Problem(at, "has no condition, so the entries after it never apply; move it last")
        if position == last and _conditional(entry):
            yield Problem(at, "the last entry must have no condition; add one such as {menu: main}")


def _conditional(entry: EntrySettings) -> bool:
    return bool(entry.area_codes or entry.provinces or entry.numbers or entry.open or entry.closed)


def _regions(ivr: IvrSettings, tickets: TicketSettings) -> Iterator[Problem]:
    """Area codes and provinces that no caller can come from."""
    known = {area.province for area in areas().values()} | ABROAD
    for position, entry in enumerate(ivr.entry):
        at: Location = ("ivr", "entry", position)
        yield from _area_codes((*at, "area_codes"), entry.area_codes)
        for place, province in enumerate(entry.provinces):
            if province not in known:
                yield Problem((*at, "provinces", place), unknown("province", province, known))
    yield from _area_codes(("tickets", "area_codes"), tickets.area_codes)


def _area_codes(at: Location, codes: Sequence[str]) -> Iterator[Problem]:
    for place, code in enumerate(codes):
        area = areas().get(code)
        if area is None:
            yield Problem((*at, place), f"no area code {code}; write it with its zero, as 022")
        elif area.area_code != code:
            yield Problem((*at, place), f"{code} was merged into {area.area_code}; use that")


def _menus(ivr: IvrSettings, pbx: PbxSettings, tickets: TicketSettings) -> Iterator[Problem]:
    entrances = {entry.menu for entry in ivr.entry}
    extensions = sorted(agent.extension for agent in pbx.agents)
    known: Mapping[str, tuple[str, set[str]]] = {
        "menu": ("menu", set(ivr.menus)),
        "then": ("menu", set(ivr.menus)),
        "say": ("prompt", set(ivr.prompts)),
        "message": ("prompt", set(ivr.prompts)),
        "person": ("team", {agent.team for agent in pbx.agents}),
        "extension": ("agent's extension", set(extensions)),
        "ticket": ("ticket type", set(tickets.types)),
        "language": ("agent's language", {w for a in pbx.agents for w in a.languages}),
    }
    skills = {word for agent in pbx.agents for word in agent.skills}
    for name, menu in ivr.menus.items():
        at: Location = ("ivr", "menus", name)
        for part in ("prompt", "invalid", "silence"):
            prompt = getattr(menu, part)
            if prompt not in ivr.prompts:
                yield Problem((*at, part), unknown("prompt", prompt, ivr.prompts))
        for place, action in actions(menu):
            for part, (kind, names) in known.items():
                value = getattr(action, part)
                if value is not None and value not in names:
                    yield Problem((*at, *place, part), unknown(kind, value, names))
            for index, skill in enumerate(action.skills):
                if skill not in skills:
                    where = (*at, *place, "skills", index)
                    yield Problem(where, unknown("agent's skill", skill, skills))
            if action.back and name in entrances:
                yield Problem(
                    (*at, *place), "nothing to go back to: callers enter here; use `repeat`"
                )
            if place == ("failure",) and action.repeat:
                yield Problem((*at, *place), "a silent caller would never leave; use another verb")
        if menu.dial_extensions:
            for key in menu.keys:
                clash = [e for e in extensions if e.startswith(key)]
                if clash:
                    yield Problem(
                        (*at, "keys", key),
                        f"extension {clash[0]} begins with this key; choose another key or set"
                        " dial_extensions: false",
                    )


def _unreachable(ivr: IvrSettings) -> Iterator[Problem]:
    reached: set[str] = set()
    waiting = [entry.menu for entry in ivr.entry]
    while waiting:
        name = waiting.pop()
        if name in reached or name not in ivr.menus:
            continue
        reached.add(name)
        waiting += [
            target
            for _, action in actions(ivr.menus[name])
            for target in (action.menu, action.then)
            if target is not None
        ]
    for name in ivr.menus:
        if name not in reached:
            yield Problem(
                ("ivr", "menus", name),
                "no entry and no key leads to this menu; lead one here or remove it",
            )


def _endless(ivr: IvrSettings) -> Iterator[Problem]:
    """Circles that a caller who presses nothing goes round for ever."""
    parents: dict[str, set[str]] = {name: set() for name in ivr.menus}
    for name, menu in ivr.menus.items():
        for _, action in actions(menu):
            target = action.menu or action.then
            if target in parents:
                parents[target].add(name)
    follows: dict[str, set[str]] = {}
    for name, menu in ivr.menus.items():
        target = menu.failure.menu or menu.failure.then
        back = parents[name] if menu.failure.back else set()
        follows[name] = back | ({target} if target in ivr.menus else set())
    reported: set[str] = set()
    for name in ivr.menus:
        circle = _circle(name, follows)
        if circle and not reported & set(circle):
            reported |= set(circle)
            yield Problem(
                ("ivr", "menus", name, "failure"),
                f"a silent caller goes round for ever: {' → '.join([*circle, name])};"
                " end it with message, person, say without then, or hangup",
            )


def _circle(start: str, follows: Mapping[str, set[str]]) -> list[str]:
    """A path from `start` back to `start`, or nothing."""
    paths = [[start]]
    seen: set[str] = set()
    while paths:
        path = paths.pop()
        for follower in sorted(follows[path[-1]]):
            if follower == start:
                return path
            if follower not in seen:
                seen.add(follower)
                paths.append([*path, follower])
    return []
