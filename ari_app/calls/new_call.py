"""How a caller's channel becomes a call."""

from ari_app.ari import ChannelSnapshot
from ari_app.calls.call import Call
from ari_app.calls.lease import Lease
from ari_app.calls.line import Line


def new_call(snapshot: ChannelSnapshot, line: Line) -> Call:
    """The call of a caller's channel. Nothing is asked of Asterisk."""
    channel = line.ari.channel(snapshot.id)

    async def set_timeout(seconds: int) -> None:
        # Read, not written: see `ari_app.calls.talk.legs.arm`.
        await channel.get_variable(f"SET(TIMEOUT(absolute)={seconds})")

    return Call(
        id=snapshot.id,
        channel=channel,
        events=channel.listen(),
        caller_id=snapshot.caller.number,
        dialled=snapshot.dialplan.exten,
        menus=line.menus,
        lease=Lease(line.settings.pbx.lease_seconds, line.clock, set_timeout),
        channel_name=snapshot.name,
    )
