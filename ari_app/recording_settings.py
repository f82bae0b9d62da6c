"""The `recording:` section of config.yaml."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ari_app.ivr.settings import Key, Name
from desk.recordings.settings import RetentionSettings

Notice = Literal["notice", "ask", "never"]
"""`notice`: recorded, and the caller is told so first. `ask`: told, and pressing the refusal key
means no recording. `never`: not recorded, nothing is said."""


class RecordingSettings(BaseModel):
    """Recording of talks, and how every recording is kept.

    `talks: false` wins over every menu: no talk is recorded. Messages after the tone are recorded
    whatever stands here. The encryption key comes from the environment; see
    `desk.recordings.Keys`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    talks: bool = True
    notice: Notice = "notice"
    notice_prompt: Name = "recording_notice"
    ask_prompt: Name = "recording_ask"
    refused_prompt: Name = "recording_refused"
    refuse_key: Key = "9"
    refuse_seconds: float = Field(default=2, ge=0, le=10)
    encrypt: bool = False
    retention_days: RetentionSettings = RetentionSettings()

    def for_menu(self, record: Notice | None) -> Notice:
        """What applies to a talk whose menu says `record` (None: nothing)."""
        if not self.talks:
            return "never"
        return self.notice if record is None else record
