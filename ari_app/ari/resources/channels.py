"""`ari.channels`: makes and lists channels."""

# ruff: noqa: A002 — parameters are named as ARI names them

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ari_app.ari.ids import new_id
from ari_app.ari.resources.base import Repository
from ari_app.ari.resources.birth import ask_for_channel
from ari_app.ari.resources.channel import Channel, Seconds
from ari_app.ari.snapshots import ChannelSnapshot

if TYPE_CHECKING:
    from ari_app.ari.client import Client


class Channels(Repository):
    """`ari.channels`: ids are chosen here, so a channel can be listened to before it is made."""

    def __init__(self, client: "Client") -> None:
        super().__init__(client, "channels")

    async def list(self) -> Sequence[ChannelSnapshot]:
        """All channels of Asterisk, other applications' too."""
        found: Sequence[ChannelSnapshot] = await self.do("list")
        return found

    async def get(self, channel_id: str) -> ChannelSnapshot:
        """One channel."""
        return await Channel(self._client, channel_id).get()

    async def originate(
        self,
        endpoint: str,
        *,
        app: str | None = None,
        app_args: str | None = None,
        context: str | None = None,
        extension: str | None = None,
        priority: int | None = None,
        caller_id: str | None = None,
        timeout: int | None = None,
        variables: Mapping[str, str] | None = None,
        channel_id: str | None = None,
        other_channel_id: str | None = None,
        originator: str | None = None,
        formats: str | None = None,
        deadline: Seconds = None,
    ) -> Channel:
        """Call an endpoint ("PJSIP/8001"); once answered it enters `app` (ours unless an
        `extension` is given). `timeout` in seconds, -1 for none.
        """
        channel = Channel(self._client, channel_id or new_id("c"))
        values = {
            "channel_id": channel.id,
            "endpoint": endpoint,
            "app": app or (None if extension else self._client.application),
            "app_args": app_args,
            "context": context,
            "extension": extension,
            "priority": priority,
            "caller_id": caller_id,
            "timeout": timeout,
            "variables": dict(variables) if variables else None,
            "other_channel_id": other_channel_id,
            "originator": originator,
            "formats": formats,
        }
        await ask_for_channel(
            self._client, channel.id, "channels.originate_with_id", values, deadline
        )
        return channel

    async def create(
        self,
        endpoint: str,
        *,
        app: str | None = None,
        app_args: str | None = None,
        channel_id: str | None = None,
        other_channel_id: str | None = None,
        originator: str | None = None,
        formats: str | None = None,
        variables: Mapping[str, str] | None = None,
        deadline: Seconds = None,
    ) -> Channel:
        """Make a channel without calling yet; `channel.dial()` calls."""
        channel = Channel(self._client, channel_id or new_id("c"))
        values = {
            "channel_id": channel.id,
            "endpoint": endpoint,
            "app": app or self._client.application,
            "app_args": app_args,
            "other_channel_id": other_channel_id,
            "originator": originator,
            "formats": formats,
            "variables": dict(variables) if variables else None,
        }
        await ask_for_channel(self._client, channel.id, "channels.create", values, deadline)
        return channel

    async def external_media(
        self,
        *,
        format: str,
        external_host: str | None = None,
        app: str | None = None,
        channel_id: str | None = None,
        encapsulation: str | None = None,
        transport: str | None = None,
        connection_type: str | None = None,
        direction: str | None = None,
        transport_data: str | None = None,
        variables: Mapping[str, str] | None = None,
        deadline: Seconds = None,
    ) -> ChannelSnapshot:
        """A channel whose audio goes over a network socket of ours; `channelvars` say where."""
        channel = Channel(self._client, channel_id or new_id("m"))
        values = {
            "channel_id": channel.id,
            "app": app or self._client.application,
            "external_host": external_host,
            "encapsulation": encapsulation,
            "transport": transport,
            "connection_type": connection_type,
            "format": format,
            "direction": direction,
            "transport_data": transport_data,
            "variables": dict(variables) if variables else None,
        }
        operation = self._client.dispatcher.operation("channels.external_media")
        body = await ask_for_channel(self._client, channel.id, operation.name, values, deadline)
        snapshot: ChannelSnapshot = operation.result(body)
        return snapshot
