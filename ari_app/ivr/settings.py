"""The `ivr:` section of config.yaml: prompts, opening hours and menus, as the user writes them.

References between parts (a menu that a key leads to, a prompt's name) are checked in
`ari_app.ivr.check`, which can name the line; here only shapes are.
"""

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from asterisk_conf.settings import Word

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
Key = Annotated[str, Field(pattern=r"^[0-9*#]$")]

Record = Literal["ask", "notice", "never"]
"""What a caller hears of the recording of a talk: a question that a key can refuse, a notice, or
nothing, because it is not recorded."""

Hours = Annotated[
    str, Field(pattern=r"^(closed|([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00))$")
]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PromptSettings(_Section):
    """What a caller hears. `text` is spoken by espeak-ng ahead of time; `file` replaces it by a
    recording (WAV, any rate)."""

    text: str = Field(default="", max_length=2000)
    file: Path | None = None

    @model_validator(mode="before")
    @classmethod
    def _plain_text(cls, value: object) -> object:
        return {"text": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _something_to_play(self) -> "PromptSettings":
        if not self.text and self.file is None:
            raise ValueError("a prompt needs a text or a file")
        return self


class ScheduleSettings(_Section):
    """Opening hours. `workday` follows the Chinese calendar: a holiday on a Tuesday is not one, a
    make-up Saturday (调休) is. `restday` is every other day; `dates` go before both. `22:00-06:00`
    ends on the next day."""

    workday: list[Hours] = ["09:00-18:00"]
    restday: list[Hours] = ["closed"]
    dates: dict[date, list[Hours]] = {}


class Action(_Section):
    """What a key, a time-out or a failure leads to: exactly one of the verbs, and what the choice
    says of the caller's matter (`ticket`: its type; `label`: for people)."""

    label: str = Field(default="", max_length=40)
    ticket: Name | None = None
    # verbs
    menu: Name | None = None
    say: Name | None = None
    message: Name | None = None  # the prompt before the tone
    person: Name | None = None  # a team
    extension: Annotated[str, Field(pattern=r"^[0-9]{2,8}$")] | None = None
    back: bool = False
    repeat: bool = False
    hangup: bool = False
    case: bool = False  # how a case stands, by its number
    # after `say`
    then: Name | None = None  # a menu; without it the call ends
    # with `person`: what the agent must have, besides the team
    skills: list[Word] = []
    language: Word | None = None
    urgent: bool = False  # served before others who wait; with `extension` too

    @model_validator(mode="after")
    def _one_verb(self) -> "Action":
        verbs = [v for v in VERBS if getattr(self, v) not in (None, False)]
        if len(verbs) != 1:
            raise ValueError(f"needs exactly one of {', '.join(VERBS)}; found {verbs or 'none'}")
        if self.then is not None and self.say is None:
            raise ValueError("`then` goes with `say`")
        for name in ("skills", "language"):
            if getattr(self, name) and self.person is None:
                raise ValueError(f"`{name}` goes with `person`")
        if self.urgent and self.person is None and self.extension is None:
            raise ValueError("`urgent` goes with `person` or `extension`")
        return self

    @property
    def verb(self) -> str:
        """The one verb that is set."""
        return next(v for v in VERBS if getattr(self, v) not in (None, False))


VERBS = ("menu", "say", "message", "person", "extension", "back", "repeat", "hangup", "case")


class MenuSettings(_Section):
    """One menu: its prompt, its keys, and what happens to wrong keys and silence."""

    prompt: Name
    keys: dict[Key, Action]
    barge_in: bool = True
    timeout_seconds: float = Field(default=5, gt=0, le=60)
    attempts: int = Field(default=3, ge=1, le=9)
    invalid: Name = "invalid"
    silence: Name = "silence"
    failure: Action
    dial_extensions: bool = False
    record: Record | None = None  # of talks that are chosen here; None: as `recording` says
    survey: bool | None = None  # after them; None: as `surveys` says


class EntrySettings(_Section):
    """Which menu a caller meets first: the first entry whose conditions all hold."""

    menu: Name
    area_codes: list[Annotated[str, Field(pattern=r"^0[0-9]{2,3}$")]] = []
    provinces: list[str] = []
    numbers: list[str] = []  # the 400 number dialled
    open: Name | None = None  # only while this schedule is open
    closed: Name | None = None  # only while this schedule is closed


class IvrSettings(_Section):
    """Everything a caller can hear and press."""

    voice: str = Field(default="cmn-latn-pinyin", pattern=r"^[A-Za-z0-9+_-]{2,40}$")
    words_per_minute: int = Field(default=175, ge=80, le=400)
    digit_seconds: float = Field(default=3, gt=0, le=20)  # longest pause while dialling
    prompts: dict[Name, PromptSettings]
    schedules: dict[Name, ScheduleSettings] = {}
    calendar_file: Path | None = None
    entry: list[EntrySettings] = Field(min_length=1)
    menus: dict[Name, MenuSettings] = Field(min_length=1)
