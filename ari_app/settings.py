"""config.yaml → `Settings`: every section is described by the package that uses it.

Environment variables win over the file: HUISHENG_<SECTION>__<KEY>, for example
HUISHENG_DATABASE__URL. Anything wrong is one `ConfigError` that names file, line and mend.
"""

import os
from collections.abc import Iterator, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from agi_scripts.settings import AgiSettings
from ari_app.callback_settings import CallbackSettings, check_callback
from ari_app.ivr.check import check_ivr
from ari_app.ivr.settings import IvrSettings
from ari_app.outbound_settings import check_outbound
from ari_app.problem import Problem, unknown
from ari_app.queue.check import check_queue
from ari_app.queue.settings import QueueSettings
from ari_app.recording_settings import RecordingSettings
from ari_app.repeat_settings import RepeatSettings, check_repeat
from ari_app.rollout import switched
from ari_app.settings_env import not_json, unread, variable
from ari_app.settings_errors import problems, unknown_setting
from ari_app.survey_settings import check_surveys
from ari_app.yaml_lines import LinedYaml, YamlError
from asterisk_conf.settings import PbxSettings
from crm_bridge.settings import BridgeSettings
from desk.automation.settings import AutomationSettings
from desk.links import LinkSettings
from desk.messages.settings import MessageSettings
from desk.notices.settings import NoticeSettings
from desk.outbound import OutboundSettings
from desk.rollout import RolloutSettings
from desk.settings import ApiSettings, DatabaseSettings, TicketSettings
from desk.sla.check import check_sla
from desk.sla.settings import SlaSettings
from desk.surveys import SurveySettings
from desk.teamwork.settings import AttachmentSettings
from stt.settings import SpeechSettings


class ConfigError(Exception):
    """config.yaml cannot be used. `str()` has a line per problem: file:line: what, the mend."""


class CompanySettings(BaseModel):
    """Who answers, and where the company's own area code applies (local 7/8-digit caller ids)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(default="示例公司", min_length=1, max_length=60)
    home_area_code: Annotated[str, Field(pattern=r"^0[0-9]{2,3}$")] = "022"
    timezone: str = "Asia/Shanghai"

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"no time zone named {value!r}; use one like Asia/Shanghai") from error
        return value

    @property
    def tz(self) -> tzinfo:
        """The zone in which days and opening hours are meant."""
        return ZoneInfo(self.timezone)


class Settings(BaseSettings):
    """All of config.yaml. Relative paths in it are relative to the file's folder."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix="HUISHENG_",
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    company: CompanySettings = CompanySettings()
    state_dir: Path = Path("var")
    database: DatabaseSettings = DatabaseSettings()
    pbx: PbxSettings = PbxSettings()
    ivr: IvrSettings
    repeat: RepeatSettings = RepeatSettings()
    queue: QueueSettings = QueueSettings()
    callback: CallbackSettings = CallbackSettings()
    outbound: OutboundSettings = OutboundSettings()
    tickets: TicketSettings = TicketSettings()
    rollout: RolloutSettings = RolloutSettings()
    sla: SlaSettings = SlaSettings()
    notices: NoticeSettings = NoticeSettings()
    attachments: AttachmentSettings = AttachmentSettings()
    messages: MessageSettings = MessageSettings()
    automation: AutomationSettings = AutomationSettings()
    links: LinkSettings = LinkSettings()
    surveys: SurveySettings = SurveySettings()
    speech: SpeechSettings = SpeechSettings()
    recording: RecordingSettings = RecordingSettings()
    bridge: BridgeSettings = BridgeSettings()
    api: ApiSettings = ApiSettings()
    agi: AgiSettings = AgiSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment goes before the file (which arrives as `init_settings`)."""
        return env_settings, init_settings

    @property
    def database_url(self) -> str:
        """The configured URL, or SQLite in the state directory."""
        return self.database.url or f"sqlite:///{self.state_dir / 'huisheng.db'}"


def load(path: Path) -> Settings:
    """Read and check config.yaml.

    Raises:
        ConfigError: the file is missing, is not YAML, or does not describe a usable line; or an
            environment variable that overrides it does not.
    """
    try:
        source = LinedYaml.read(path)
    except YamlError as error:
        raise ConfigError(str(error)) from error
    sections = list(Settings.model_fields)
    foreign = [
        Problem((name,), unknown_setting(str(name), sections))
        for name in source.data
        if name not in Settings.model_fields
    ]
    lost = unread(os.environ, sections)
    known = {name: part for name, part in source.data.items() if name in Settings.model_fields}
    try:
        settings = Settings(**known)
    except SettingsError as error:
        raise ConfigError(not_json(os.environ, str(error))) from error
    except ValidationError as error:
        raise ConfigError(_told(source, [*foreign, *problems(Settings, error)], lost)) from error
    home = path.resolve().parent
    crossing = [
        *check_ivr(settings.ivr, settings.pbx, settings.tickets, home),
        *check_queue(settings.queue, settings.pbx),
        *check_callback(settings.callback, settings.outbound.trunk is not None, settings.ivr),
        *check_outbound(settings.outbound, settings.pbx, settings.ivr),
        *check_repeat(settings.repeat, settings.ivr),
        *check_surveys(settings.surveys, settings.ivr),
        *_service_levels(settings, home),
        *_notices(settings),
        *_ports(settings),
    ]
    if foreign or lost or crossing:
        raise ConfigError(_told(source, [*foreign, *crossing], lost))
    return settings.model_copy(update=_absolute(settings, home) | switched(settings))


def _told(source: LinedYaml, found: Sequence[Problem], lost: Sequence[str]) -> str:
    """One line per problem, in the order of the file; those of the environment come first."""
    overridden = {p: variable(os.environ, p.location) for p in found}
    environment = [f"environment variable {v}: {p.message}" for p, v in overridden.items() if v]
    return "\n".join(
        [*lost, *environment, *source.describe([p for p in found if not overridden[p]])]
    )


def _service_levels(settings: Settings, home: Path) -> Iterator[Problem]:
    """Names in the service levels that lead nowhere."""
    teams = {agent.team for agent in settings.pbx.agents}
    for location, message in check_sla(settings.sla, settings.tickets.types, teams, home):
        yield Problem(location, message)


def _notices(settings: Settings) -> Iterator[Problem]:
    """Prompts that a recorded talk begins with."""
    prompts = settings.ivr.prompts
    for part in ("notice_prompt", "ask_prompt", "refused_prompt"):
        name = getattr(settings.recording, part)
        if settings.recording.talks and name not in prompts:
            yield Problem(("recording", part), unknown("prompt", name, prompts))


def _ports(settings: Settings) -> Iterator[Problem]:
    """Ports of this machine that two parts of us would fight for."""
    taken: dict[int, str] = {}
    for location, port in (
        (("pbx", "http_port"), settings.pbx.http_port),
        (("pbx", "ami_port"), settings.pbx.ami_port),
        (("pbx", "agi_port"), settings.pbx.agi_port),
        (("bridge", "demo_crm_port"), settings.bridge.demo_crm_port),
        (("api", "port"), settings.api.port),
    ):
        if port in taken:
            yield Problem(location, f"{taken[port]} uses port {port} too; change one of them")
        if port:
            taken[port] = ".".join(location)


def _absolute(settings: Settings, home: Path) -> dict[str, Any]:
    ivr = settings.ivr
    prompts = {
        name: prompt
        if prompt.file is None
        else prompt.model_copy(update={"file": home / prompt.file})
        for name, prompt in ivr.prompts.items()
    }
    calendar = None if ivr.calendar_file is None else home / ivr.calendar_file
    ivr = ivr.model_copy(update={"prompts": prompts, "calendar_file": calendar})
    speech = settings.speech.absolute(home)
    calendars = {
        team: each if each.file is None else each.model_copy(update={"file": home / each.file})
        for team, each in settings.sla.calendars.items()
    }
    return {
        "state_dir": home / settings.state_dir,
        "speech": speech,
        "ivr": ivr,
        "sla": settings.sla.model_copy(update={"calendars": calendars}),
    }
