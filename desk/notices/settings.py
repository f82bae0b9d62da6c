"""The `notices:` section of config.yaml."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from desk.notices.addresses import BadAddress, address


def _reachable(value: str) -> str:
    try:
        return address(value)
    except BadAddress as error:
        raise ValueError(str(error)) from error


class NoticeSettings(BaseModel):
    """Who hears of what nobody below mended, and how long notices are kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    managers: list[Annotated[str, AfterValidator(_reachable)]] = Field(
        default=["role:supervisor", "role:administrator"], min_length=1, max_length=20
    )
    keep_days: int = Field(default=90, ge=1, le=3650)

    @property
    def keep(self) -> timedelta:
        """How long notices are kept."""
        return timedelta(days=self.keep_days)
