"""What all resource objects share: operations by name, from the description Asterisk serves."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from ari_app.ari.client import Client


class Repository:
    """All operations of one resource: `ari.channels`, `ari.resource("sounds")`.

    Every operation of the description is a method, in snake_case and with checked keywords:
    `await ari.channels.rtpstatistics(channel_id=…)`. Type checkers see `do("rtpstatistics", …)`
    only, so that a misspelt method does not slip by.
    """

    def __init__(self, client: "Client", name: str) -> None:
        self._client = client
        self.name = name

    async def do(self, operation: str, /, *, deadline: float | None = None, **values: Any) -> Any:
        """Perform an operation of this resource; see `Client.call`."""
        return await self._client.call(f"{self.name}.{operation}", deadline=deadline, **values)

    if not TYPE_CHECKING:

        def __getattr__(self, operation: str) -> Callable[..., Awaitable[Any]]:
            known = self._client.descriptions.resources.get(self.name, {})
            return _bound(self, operation, known)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


class Resource:
    """One object of Asterisk, named by an id; its operations need no id any more."""

    __slots__ = ("_client", "id")
    resource: ClassVar[str]
    key: ClassVar[str]

    def __init__(self, client: "Client", object_id: str) -> None:
        self._client = client
        self.id = object_id

    async def do(self, operation: str, /, *, deadline: float | None = None, **values: Any) -> Any:
        """Perform any operation on this object; see `Client.call`."""
        values[self.key] = self.id
        return await self._client.call(f"{self.resource}.{operation}", deadline=deadline, **values)

    if not TYPE_CHECKING:

        def __getattr__(self, operation: str) -> Callable[..., Awaitable[Any]]:
            described = self._client.descriptions.resources.get(self.resource, {})
            known = {n: o for n, o in described.items() if self.key in o.parameters}
            return _bound(self, operation, known)

    async def _perform(
        self, operation: str, values: dict[str, Any], deadline: float | None
    ) -> bytes | str | None:
        values[self.key] = self.id
        dispatcher = self._client.dispatcher
        described = dispatcher.operation(f"{self.resource}.{operation}")
        return await dispatcher.perform(described, values, deadline)

    async def _send(
        self, operation: str, values: dict[str, Any], wait: bool, deadline: float | None
    ) -> None:
        """Wait for the reply, or only until the request is on its way."""
        values[self.key] = self.id
        dispatcher = self._client.dispatcher
        described = dispatcher.operation(f"{self.resource}.{operation}")
        if wait:
            await dispatcher.perform(described, values, deadline)
        else:
            await dispatcher.post(described, values, None, deadline)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}>"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.id == self.id

    def __hash__(self) -> int:
        return hash((type(self), self.id))


def _bound(
    owner: Repository | Resource, operation: str, known: dict[str, Any]
) -> Callable[..., Awaitable[Any]]:
    if operation not in known:
        raise AttributeError(
            f"{owner!r} has no operation {operation!r}; Asterisk describes: {', '.join(known)}"
        )

    async def perform(**values: Any) -> Any:
        return await owner.do(operation, **values)

    perform.__name__ = operation
    return perform
