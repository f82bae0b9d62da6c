"""config.yaml → `Settings`: every section is described by the package that uses it.

Environment variables win over the file: HUISHENG_<SECTION>__<KEY>, for example
HUISHENG_DATABASE__URL. Anything wrong is one `ConfigError` that names file, line and mend.
"""

from datetime import tzinfo
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from agi_scripts.settings import AgiSettings
from ari_app.ivr.check import check_ivr
from ari_app.ivr.settings import IvrSettings
from ari_app.problem import Problem
from ari_app.yaml_lines import LinedYaml, YamlError
from asterisk_conf.settings import PbxSettings
from crm_bridge.settings import BridgeSettings
from desk.settings import ApiSettings, DatabaseSettings, TicketSettings
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
    tickets: TicketSettings = TicketSettings()
    speech: SpeechSettings = SpeechSettings()
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
        ConfigError: the file is missing, is not YAML, or does not describe a usable line.
    """
    try:
        source = LinedYaml.read(path)
    except YamlError as error:
        raise ConfigError(str(error)) from error
    try:
        settings = Settings(**source.data)
    except ValidationError as error:
        problems = [Problem(e["loc"], _sentence(e)) for e in error.errors()]
        raise ConfigError(source.describe(problems)) from error
    home = path.resolve().parent
    problems = check_ivr(settings.ivr, settings.pbx, settings.tickets, home)
    if problems:
        raise ConfigError(source.describe(problems))
    return settings.model_copy(update=_absolute(settings, home))


def _sentence(error: Any) -> str:
    message: str = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        return "unknown setting; remove it or correct its name"
    if error["type"] == "missing":
        return "this setting is missing; add it"
    return f"{message} (found {error['input']!r:.60})"


def _absolute(settings: Settings, home: Path) -> dict[str, Any]:
    speech = settings.speech
    if speech.model is not None:
        speech = speech.model_copy(update={"model": home / speech.model})
    return {"state_dir": home / settings.state_dir, "speech": speech}
