"""The `agi:` section of config.yaml: bounds of the FastAGI server."""

from pydantic import BaseModel, ConfigDict, Field


class AgiSettings(BaseModel):
    """A request larger, slower or from elsewhere than this is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    connections: int = Field(default=200, ge=1)
    header_bytes: int = Field(default=16384, ge=1024)
    header_seconds: float = Field(default=2, gt=0)
    script_seconds: float = Field(default=10, gt=0)
    allow: list[str] = ["127.0.0.1", "::1"]
