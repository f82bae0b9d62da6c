"""The `surveys:` section of config.yaml."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from desk.notices.addresses import BadAddress, address

Then = Literal["reopen", "alarm", "nothing"]
Channel = Literal["key", "link"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ScoreSettings(_Section):
    """How a customer's answers make one score: the mean of the newest `most_answers`, each
    weighted by its channel and by half less with every `half_life_days` that it is older than the
    newest.
    """

    half_life_days: float = Field(default=180, gt=0, le=3650)
    most_answers: int = Field(default=20, ge=1, le=200)
    weights: dict[Channel, Annotated[float, Field(gt=0, le=100)]] = {"key": 1.0, "link": 1.0}


class LowSettings(_Section):
    """What follows from a low answer, `at_most` so many points. `reopen` opens a closed ticket
    again, `most_reopenings` times at most; beyond that, and where the ticket goes on anyhow, it is
    an `alarm` to those in `notify` (`{team}` is the ticket's).
    """

    at_most: int = Field(default=2, ge=0, le=4)
    then: Then = "reopen"
    most_reopenings: int = Field(default=1, ge=0, le=5)
    notify: list[str] = Field(default=["role:supervisor@{team}"], max_length=20)

    @field_validator("notify")
    @classmethod
    def _reach_somebody(cls, notify: list[str]) -> list[str]:
        for to in notify:
            addressed(to, "组")
        return notify


def addressed(to: str, team: str) -> str:
    """The address that is meant, for a ticket of this team; of one without a team, the role
    anywhere.

    Raises:
        ValueError: it is nobody's.
    """
    try:
        return address(to.replace("{team}", team).removesuffix("@"))
    except BadAddress as error:
        raise ValueError(str(error)) from error


class SurveySettings(_Section):
    """When customers are asked how it was, how often at most, and what their answers do."""

    after_talk: bool = True
    after_close: bool = True
    most_per_month: int = Field(default=3, ge=1, le=31)
    wait_seconds: float = Field(default=5, gt=0, le=30)
    attempts: int = Field(default=2, ge=1, le=5)
    score: ScoreSettings = ScoreSettings()
    low: LowSettings = LowSettings()
