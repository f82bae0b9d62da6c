"""From settings to what a call holds: the menu tree with the company's calendar."""

from ari_app.ivr.tree import MenuTree
from ari_app.settings import Settings
from desk.calendar import Calendar, read_overrides


def compile_menus(settings: Settings) -> MenuTree:
    """The tree of loaded settings.

    Raises:
        CalendarFileError: the calendar file has changed for the worse since `load`.
    """
    file = settings.ivr.calendar_file
    overrides = read_overrides(file) if file is not None else {}
    return MenuTree.compile(settings.ivr, settings.pbx, Calendar(overrides, settings.company.tz))
