"""The menus of config.yaml, compiled: what a call holds while it is in the IVR.

A tree never changes. A reload makes a new one; calls that are under way keep theirs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from ari_app.ivr.settings import Action, EntrySettings, IvrSettings, Record, ScheduleSettings
from asterisk_conf.settings import PbxSettings
from desk.calendar import Calendar, is_open
from desk.region import Caller


@dataclass(frozen=True, slots=True)
class Menu:
    """One menu. Prompts are names; `extensions` is empty unless callers may dial them here;
    `record` is None where the menu leaves it to the `recording` section, `survey` likewise."""

    name: str
    prompt: str
    keys: Mapping[str, Action]
    barge_in: bool
    timeout_seconds: float
    attempts: int
    invalid: str
    silence: str
    failure: Action
    extensions: frozenset[str]
    record: Record | None = None
    survey: bool | None = None

    def begins_extension(self, digits: str) -> bool:
        """Whether more digits may make an extension of `digits`, or they are one already."""
        return digits != "" and any(e.startswith(digits) for e in self.extensions)

    def is_whole(self, digits: str) -> bool:
        """Whether `digits` are an extension and no longer one begins with them."""
        return digits in self.extensions and not any(
            e.startswith(digits) and e != digits for e in self.extensions
        )


@dataclass(frozen=True)
class MenuTree:
    """All menus, and which of them a caller meets first."""

    menus: Mapping[str, Menu]
    entries: tuple[EntrySettings, ...]
    schedules: Mapping[str, ScheduleSettings]
    digit_seconds: float
    calendar: Calendar

    @classmethod
    def compile(cls, ivr: IvrSettings, pbx: PbxSettings, calendar: Calendar) -> "MenuTree":
        """The tree of settings that `check_ivr` has found no problem in."""
        extensions = frozenset(agent.extension for agent in pbx.agents)
        menus = {
            name: Menu(
                name=name,
                prompt=menu.prompt,
                keys=MappingProxyType(dict(menu.keys)),
                barge_in=menu.barge_in,
                timeout_seconds=menu.timeout_seconds,
                attempts=menu.attempts,
                invalid=menu.invalid,
                silence=menu.silence,
                failure=menu.failure,
                extensions=extensions if menu.dial_extensions else frozenset(),
                record=menu.record,
                survey=menu.survey,
            )
            for name, menu in ivr.menus.items()
        }
        return cls(
            menus=MappingProxyType(menus),
            entries=tuple(ivr.entry),
            schedules=MappingProxyType(dict(ivr.schedules)),
            digit_seconds=ivr.digit_seconds,
            calendar=calendar,
        )

    def entry_for(self, caller: Caller, dialled: str, now: datetime) -> Menu:
        """The menu that a caller meets first; `now` is aware."""
        return self.menus[self.entry(caller, dialled, now).menu]

    def entry(self, caller: Caller, dialled: str, now: datetime) -> EntrySettings:
        """The first entry whose conditions all hold; the last one has none."""
        return next(
            (entry for entry in self.entries if self._holds(entry, caller, dialled, now)),
            self.entries[-1],
        )

    def _holds(self, entry: EntrySettings, caller: Caller, dialled: str, now: datetime) -> bool:
        return (
            (not entry.area_codes or caller.area_code in entry.area_codes)
            and (not entry.provinces or caller.province in entry.provinces)
            and (not entry.numbers or dialled in entry.numbers)
            and (entry.open is None or self.is_open(entry.open, now))
            and (entry.closed is None or not self.is_open(entry.closed, now))
        )

    def is_open(self, schedule: str, now: datetime) -> bool:
        """Whether the schedule of that name is open at the aware time `now`."""
        return is_open(self.schedules[schedule], now, self.calendar)
