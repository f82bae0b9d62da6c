"""The `agi:` section of config.yaml: address and bounds of the FastAGI server."""

from pydantic import BaseModel, ConfigDict, Field, IPvAnyAddress, IPvAnyNetwork


class AgiSettings(BaseModel):
    """A request larger, slower or from elsewhere than this is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: IPvAnyAddress = Field(default="127.0.0.1", validate_default=True)
    connections: int = Field(default=200, ge=1)
    header_bytes: int = Field(default=16384, ge=1024)
    header_seconds: float = Field(default=2, gt=0)
    script_seconds: float = Field(default=10, gt=0)
    allow: list[IPvAnyNetwork] = Field(default=["127.0.0.1", "::1"], validate_default=True)
