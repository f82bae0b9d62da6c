"""The `speech:` section of config.yaml."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class SpeechSettings(BaseModel):
    """Which Vosk model listens, and how much of the machine it may use.

    `model: None` means the bundled model, which understands synthetic speech only.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Path | None = None
    threads: int = Field(default=1, ge=1, le=64)
    queue: int = Field(default=1000, ge=1)
    message_seconds: int = Field(default=120, ge=5, le=600)
    silence_seconds: float = Field(default=3.0, ge=1, le=30)
