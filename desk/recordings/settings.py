"""How long recordings are kept."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Days = Annotated[int, Field(ge=1, le=36_500)]


class RetentionSettings(BaseModel):
    """Days from the end of a recording to its deletion, by its kind; None keeps it for ever."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    message: Days | None = 365
    party: Days | None = 180
    mix: Days | None = 180
