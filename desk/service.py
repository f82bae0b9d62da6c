"""The service desk's chores: everything that happens by itself, in one list.

`huisheng run` keeps them in every process (`desk.chores.keep`); each capability adds its own line
to `chores`, and to `ServiceSettings` the section of config.yaml that its chores need.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Protocol

from sqlalchemy import Connection

from desk.accounts.chores import account_chores
from desk.automation import AutomationSettings, Limits, Tools, automation_chores
from desk.chores import Chore
from desk.house import house_of
from desk.links import LinkSettings
from desk.messages.chores import message_chores
from desk.messages.settings import MessageSettings
from desk.messages.templates import Templates
from desk.notices.following import notice_chores
from desk.notices.settings import NoticeSettings
from desk.outbound import OutboundSettings, outbound_chores, request_confirmation
from desk.outbound.requests import Request
from desk.rollout import RolloutSettings, Switch, gated
from desk.routing.chores import routing_chores
from desk.served import served_chores
from desk.sla.chores import sla_chores
from desk.surveys import SurveyPolicy, SurveySettings, survey_chores
from desk.surveys.asking import ask_by_link
from desk.tasks import task_chores
from desk.teamwork.chores import teamwork_chores
from desk.tickets.fate import fate_chores
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
    rollout: RolloutSettings = field(default_factory=RolloutSettings)
    notices: NoticeSettings = field(default_factory=NoticeSettings)
    links: LinkSettings = field(default_factory=LinkSettings)
    surveys: SurveySettings = field(default_factory=SurveySettings)
    messages: MessageSettings = field(default_factory=MessageSettings)
    outbound: OutboundSettings = field(default_factory=OutboundSettings)
    automation: AutomationSettings = field(default_factory=AutomationSettings)


def chores(settings: ServiceSettings) -> list[Chore]:
    """Every chore there is. What one writes, those after it see in the same look."""
    on = settings.rollout.on
    return [
        *account_chores(),
        *served_chores(),
        *sla_chores(),
        *routing_chores(),
        *overdue_chores(),
        *fate_chores(),
        *word_chores(),
        *teamwork_chores(),
        *gated(on(Switch.AUTOMATION_SURVEYS), survey_chores(survey_policy(settings))),
        *outbound_chores(
            settings.outbound,
            settings.links,
            Templates(settings.messages, settings.company.name),
            settings.company.tz,
        ),
        *message_chores(_templates(settings), _asks_by_sms(settings)),
        *gated(
            on(Switch.AUTOMATION_RULES),
            automation_chores(tools(settings), settings.automation, settings.company.tz),
        ),
        *task_chores(),
        *notice_chores(settings.notices),
    ]


def tools(settings: ServiceSettings) -> Tools:
    """What the actions of rules need."""
    policy, limits = survey_policy(settings), settings.automation

    def survey(db: Connection, ticket_id: int, now: datetime) -> object:
        wanted = house_of(db).on(Switch.AUTOMATION_SURVEYS)
        return ask_by_link(db, ticket_id, policy, now) if wanted else None

    return Tools(
        templates=_templates(settings),
        survey=survey,
        confirm=_question(settings),
        limits=Limits(limits.most_depth, limits.most_per_ticket, limits.most_per_rule),
    )


def _templates(settings: ServiceSettings) -> Templates:
    return Templates(settings.messages, settings.company.name)


def _question(settings: ServiceSettings) -> Callable[[Connection, int, datetime], Request | None]:
    """Has the customer asked whether it is solved; the same request however often."""

    def ask(db: Connection, ticket_id: int, now: datetime) -> Request | None:
        if not house_of(db).on(Switch.AUTOMATION_CALLBACKS):
            return None
        return request_confirmation(
            db, ticket_id, now, policy=settings.outbound, tz=settings.company.tz
        )

    return ask


def _asks_by_sms(settings: ServiceSettings) -> Callable[[Connection, int, datetime], bool]:
    """Whether that question goes by SMS: it tells of the solution too."""
    ask = _question(settings)

    def asks(db: Connection, ticket_id: int, now: datetime) -> bool:
        request = ask(db, ticket_id, now)
        return request is not None and request.way == "sms" and request.state != "done"

    return asks


def survey_policy(settings: ServiceSettings) -> SurveyPolicy:
    """What decides about surveys."""
    return SurveyPolicy(
        settings=settings.surveys,
        links=settings.links,
        templates=_templates(settings),
        timezone=settings.company.tz,
    )
