"""Asking for a channel whose id we choose, so that it is known before its first event."""

import asyncio
from typing import TYPE_CHECKING, Any

from ari_app.ari.errors import DeadlineExceeded, Disconnected, NotFound

if TYPE_CHECKING:
    from ari_app.ari.client import Client


async def ask_for_channel(
    client: "Client",
    channel_id: str,
    operation: str,
    values: dict[str, Any],
    deadline: float | None,
) -> bytes | str | None:
    """Perform `operation`, which makes `channel_id`; its StasisStart is then no arrival.

    When no reply comes the channel may exist all the same: it is hung up, aside.
    """
    dispatcher, exchange = client.dispatcher, client.exchange
    described = dispatcher.operation(operation)
    ours = values.get("app") == client.application
    if ours:
        exchange.expect(channel_id)
    try:
        body = await dispatcher.perform(described, values, deadline)
    except (DeadlineExceeded, Disconnected, asyncio.CancelledError):
        dispatcher.aside(_abandon(client, channel_id), f"abandon-{channel_id}")
        raise
    except BaseException:
        if ours:
            exchange.forget(channel_id)
        raise
    if ours:
        exchange.made(channel_id)
    return body


async def _abandon(client: "Client", channel_id: str) -> None:
    try:
        await client.channel(channel_id).hangup()
    except NotFound:
        client.exchange.forget(channel_id)
