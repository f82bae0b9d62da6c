"""The service desk's chores: everything that happens by itself, in one list.

`huisheng run` keeps them in every process (`desk.chores.keep`); each capability adds its own line
to `chores`, and to `ServiceSettings` the section of config.yaml that its chores need.
"""

from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Protocol

from desk.accounts.chores import account_chores
from desk.chores import Chore
from desk.links import LinkSettings
from desk.messages.settings import MessageSettings
from desk.messages.templates import Templates
from desk.notices.following import notice_chores
from desk.notices.settings import NoticeSettings
from desk.routing.chores import routing_chores
from desk.served import served_chores
from desk.sla.chores import sla_chores
from desk.surveys import SurveyPolicy, SurveySettings, survey_chores
from desk.teamwork.chores import teamwork_chores
from desk.tickets.overdue import overdue_chores

from desk.tickets.word_index import word_chores

class Company(Protocol):
    """Who serves the customers, and in which zone its days and months are."""

    @property
    def name(self) -> str:
        """As customers know it."""

    @property
    def tz(self) -> tzinfo:
        """The zone."""


@dataclass(frozen=True, slots=True)
class _Nameless:
    name: str = "示例公司"
    tz: tzinfo = UTC


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """The sections of config.yaml that chores need. Each has a default, for tests."""

    company: Company = field(default_factory=_Nameless)
    notices: NoticeSettings = field(default_factory=NoticeSettings)
    links: LinkSettings = field(default_factory=LinkSettings)
    surveys: SurveySettings = field(default_factory=SurveySettings)
    messages: MessageSettings = field(default_factory=MessageSettings)


def chores(settings: ServiceSettings) -> list[Chore]:
    """Every chore there is. What one writes, those after it see in the same look."""
    return [
        *account_chores(),
        *served_chores(),
        *sla_chores(),
        *routing_chores(),
        *overdue_chores(),
        *teamwork_chores(),
        *survey_chores(survey_policy(settings)),
        *word_chores(),
        *notice_chores(settings.notices),
    ]


def survey_policy(settings: ServiceSettings) -> SurveyPolicy:
    """What decides about surveys."""
    return SurveyPolicy(
        settings=settings.surveys,
        links=settings.links,
        templates=Templates(settings.messages, settings.company.name),
        timezone=settings.company.tz,
    )
