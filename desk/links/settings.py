"""The `links:` section of config.yaml."""

from ipaddress import ip_network

from pydantic import BaseModel, ConfigDict, Field, field_validator


class LinkSettings(BaseModel):
    """Web links for customers. Empty `base_url`: none is sent, for no customer could open it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field(default="", pattern=r"^(https?://[^\s/?#]+(/[^\s?#]*)?)?$")
    expire_days: int = Field(default=14, ge=1, le=90)
    most_per_minute: int = Field(default=60, ge=1)
    proxies: list[str] = ["127.0.0.1/32", "::1/128"]

    @field_validator("proxies")
    @classmethod
    def _are_networks(cls, networks: list[str]) -> list[str]:
        for network in networks:
            ip_network(network)  # its own words say what is wrong
        return networks

    @property
    def sendable(self) -> bool:
        """Whether a link can be sent to customers."""
        return bool(self.base_url)
