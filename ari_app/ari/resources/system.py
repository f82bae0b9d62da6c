"""Applications and Asterisk itself."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ari_app.ari.resources.base import Repository
from ari_app.ari.snapshots import ApplicationSnapshot, AsteriskSnapshot, VariableSnapshot

if TYPE_CHECKING:
    from ari_app.ari.client import Client


class Applications(Repository):
    """`ari.applications`."""

    def __init__(self, client: "Client") -> None:
        super().__init__(client, "applications")

    async def get(self, name: str) -> ApplicationSnapshot:
        """What an application holds and filters. NotFound: it is not registered."""
        found: ApplicationSnapshot = await self.do("get", application_name=name)
        return found

    async def list(self) -> Sequence[ApplicationSnapshot]:
        """All registered applications."""
        found: Sequence[ApplicationSnapshot] = await self.do("list")
        return found

    async def subscribe(self, name: str, *event_source: str) -> ApplicationSnapshot:
        """Hear of "channel:ID", "bridge:ID", "endpoint:TECH/NAME", "deviceState:NAME"."""
        found: ApplicationSnapshot = await self.do(
            "subscribe", application_name=name, event_source=event_source
        )
        return found

    async def unsubscribe(self, name: str, *event_source: str) -> ApplicationSnapshot:
        """Undo `subscribe`."""
        found: ApplicationSnapshot = await self.do(
            "unsubscribe", application_name=name, event_source=event_source
        )
        return found


class Asterisk(Repository):
    """`ari.asterisk`."""

    def __init__(self, client: "Client") -> None:
        super().__init__(client, "asterisk")

    async def ping(self, *, deadline: float | None = None) -> None:
        """Return when Asterisk has answered."""
        await self.do("ping", deadline=deadline)

    async def info(self) -> AsteriskSnapshot:
        """Version, build, configuration."""
        found: AsteriskSnapshot = await self.do("get_info")
        return found

    async def get_variable(self, variable: str) -> str:
        """A global variable."""
        found: VariableSnapshot = await self.do("get_global_var", variable=variable)
        return found.value

    async def set_variable(self, variable: str, value: str) -> None:
        """Set a global variable."""
        await self.do("set_global_var", variable=variable, value=value)
