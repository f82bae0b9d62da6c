"""The service desk's chores: everything that happens by itself, in one list.

`huisheng run` keeps them in every process (`desk.chores.keep`); each capability adds its own line
to `chores`, and to `ServiceSettings` the section of config.yaml that its chores need.
"""

from dataclasses import dataclass

from desk.chores import Chore
from desk.notices.following import notice_chores
from desk.notices.settings import NoticeSettings
from desk.routing.chores import routing_chores
from desk.sla.chores import sla_chores
from desk.teamwork.chores import teamwork_chores
from desk.tickets.overdue import overdue_chores


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """The sections of config.yaml that chores need. Each has a default, for tests."""

    notices: NoticeSettings = NoticeSettings()


def chores(settings: ServiceSettings) -> list[Chore]:
    """Every chore there is. What one writes, those after it see in the same look."""
    return [
        *sla_chores(),
        *routing_chores(),
        *overdue_chores(),
        *teamwork_chores(),
        *notice_chores(settings.notices),
    ]
