"""What agents and supervisors can order in a talk. Each verb is one function on the talk.

Every verb says in one sentence why it is not possible where it is not.
"""

from typing import TYPE_CHECKING, Literal

from ari_app.ari import Events, StasisStart
from ari_app.ari.events import Event
from ari_app.ari.ids import new_id
from ari_app.calls.talk import legs
from ari_app.calls.talk.conversation import Leg
from desk.errors import NotPossibleNow

if TYPE_CHECKING:
    from ari_app.calls.talk.talk import Talk

SNOOP_SECONDS = 2.0
SupervisorMode = Literal["listen", "whisper", "barge"]


async def hold(talk: "Talk") -> None:
    """The caller hears music; the agent's telephone stays in the talk."""
    if talk.state.held:
        return
    await talk.set_aside_caller()
    talk.note("call.held")


async def resume(talk: "Talk") -> None:
    """The caller is back in the talk."""
    if not talk.state.held:
        return
    if talk.state.consulted() is not None:
        raise NotPossibleNow("somebody is being asked", "Complete or cancel the transfer.")
    await talk.admit_caller()
    talk.note("call.resumed")


async def transfer_blind(talk: "Talk", to: str) -> None:
    """The caller is led to extension or team `to`; the agents of this talk are free."""
    if not talk.line.has_extension(to) and to not in talk.line.teams:
        raise NotPossibleNow(
            f"there is no extension or team {to}", "Name one of pbx.agents in config.yaml."
        )
    if not talk.state.held:
        await talk.set_aside_caller()
    await talk.call.lease.restore()  # before the legs that look after the caller are gone
    talk.goes_to(to)
    await talk.save()
    for leg in list(talk.state.legs.values()):
        await talk.drop(leg, "transferred")


async def transfer_attended(talk: "Talk", to: str) -> None:
    """The caller hears music while the agent asks `to`, whose telephone rings now."""
    _known(talk, to)
    if talk.state.consulted() is not None:
        raise NotPossibleNow("somebody is being asked already", "Complete or cancel that first.")
    await talk.dial(Leg(new_id("c"), to, "consulted"))
    if not talk.state.held:
        await talk.set_aside_caller()
    talk.note("call.held", consult=to)


async def complete_transfer(talk: "Talk") -> None:
    """The caller talks with whom the agent asked; the agent is free. Still ringing: led there."""
    consulted = _consulted(talk)
    if not consulted.up:
        await talk.drop(consulted)
        await transfer_blind(talk, consulted.extension)
        return
    before = talk.state.agents()
    await talk.join(consulted)
    await talk.admit_caller()
    for leg in before:
        await talk.drop(leg, "transferred")
    talk.note("call.transferred", to=consulted.extension, how="attended")


async def cancel_transfer(talk: "Talk") -> None:
    """Whom the agent asked is let go, the caller is back."""
    await talk.drop(_consulted(talk), "cancelled")
    await talk.admit_caller()
    talk.note("call.resumed")


async def conference(talk: "Talk", to: str) -> None:
    """`to` is rung and, once answered, talks with all the others."""
    consulted = talk.state.consulted()
    if consulted is not None and consulted.extension == to and consulted.up:
        await talk.join(consulted)
        await talk.admit_caller()
        talk.note("conference.joined", agent=to)
        return
    _known(talk, to)
    await talk.dial(Leg(new_id("c"), to, "joining"))


async def drop(talk: "Talk", extension: str) -> None:
    """One of several agents, or somebody who is rung, is taken out of the talk."""
    leg = talk.state.of(extension)
    if leg is None or leg.role == "supervisor":
        raise NotPossibleNow(f"{extension} is not in this talk", "Look at the talk again.")
    if talk.state.agents() == [leg]:
        raise NotPossibleNow(
            f"{extension} is the caller's only agent", "Transfer the call, or hang up."
        )
    if leg.role == "consulted":
        await cancel_transfer(talk)
        return
    await talk.drop(leg)
    talk.note("agent.dropped", agent=extension)


async def hang_up(talk: "Talk") -> None:
    """The call ends for everybody."""
    talk.note("call.hung_up")
    await talk.call.channel.hangup()


async def pause_recording(talk: "Talk") -> None:
    """Nothing of what is said or pressed from now on is kept anywhere: a card number, say."""
    if talk.state.recorded == "paused":
        return
    if talk.state.recorded == "refused":
        raise NotPossibleNow("the caller refused the recording", "Nothing is kept of this talk.")
    talk.state.recorded, talk.call.private = "paused", True
    await talk.save()  # first: whoever goes on after a crash rather pauses again than keeps a word
    await talk.listening.pause()
    talk.note("recording.paused")


async def resume_recording(talk: "Talk") -> None:
    """What is said is kept again."""
    if talk.state.recorded == "refused":
        raise NotPossibleNow("the caller refused the recording", "Ask the caller to call again.")
    if talk.state.recorded != "paused":
        return
    await talk.listening.resume()
    talk.note("recording.resumed")


async def supervise(talk: "Talk", supervisor: str, mode: SupervisorMode) -> None:
    """`supervisor` is rung and hears the talk; or hears it in another way from now on."""
    leg = talk.state.of(supervisor)
    if leg is None:
        leg = Leg(new_id("c"), supervisor, "supervisor")
        leg.mode = mode if mode != "barge" else ""
        await talk.dial(leg)
        return
    if leg.role != "supervisor":
        raise NotPossibleNow(f"{supervisor} takes part in this talk", "Nothing needs to be done.")
    leg.mode = mode if mode != "barge" else ""
    if leg.up:
        await _place(talk, leg)


async def stop_supervising(talk: "Talk", supervisor: str) -> None:
    """The supervisor's telephone is hung up; the talk goes on."""
    leg = talk.state.of(supervisor)
    if leg is None or leg.role != "supervisor":
        raise NotPossibleNow(f"{supervisor} does not supervise this talk", "Look at it again.")
    await talk.drop(leg)
    talk.note("supervisor.left", agent=supervisor)


async def answered(talk: "Talk", leg: Leg) -> None:
    """A telephone that was rung for this talk has been picked up."""
    match leg.role:
        case "joining":
            await talk.join(leg)
            talk.note("conference.joined", agent=leg.extension)
        case "consulted":
            await legs.settle(talk.channel(leg))
            await talk.bridge.add_channel(leg.id, inhibit_connected_line_updates=True)
            leg.up = True
            talk.line.queue.busy(leg.extension, talk.call.id)
            talk.note("consult.answered", agent=leg.extension)
        case "supervisor":
            await _place(talk, leg)
            leg.up = True


async def _place(talk: "Talk", leg: Leg) -> None:
    """Give a supervisor the ear that the mode asks for, or a place in the talk."""
    await talk.close_ear(leg)
    if not leg.mode:
        talk.note("supervisor.joined", agent=leg.extension)
        await talk.join(leg)
        return
    await legs.settle(talk.channel(leg))
    leg.snoop, leg.bridge = new_id("s"), new_id("b")
    agent = talk.channel(talk.state.agents()[0])
    entering: Events[Event] = talk.line.ari.listen(StasisStart, channels=[leg.snoop])
    with entering:
        await agent.snoop(
            spy="both",
            whisper="out" if leg.mode == "whisper" else "none",
            snoop_id=leg.snoop,
            app_args="ear",
        )
        await talk.line.ari.bridges.create(
            type="mixing", bridge_id=leg.bridge, name=talk.line.ari.application
        )
        await entering.get(SNOOP_SECONDS)
    await talk.line.ari.bridge(leg.bridge).add_channel(leg.snoop, leg.id)
    talk.note("supervisor.listens", agent=leg.extension, mode=leg.mode)


def _consulted(talk: "Talk") -> Leg:
    leg = talk.state.consulted()
    if leg is None:
        raise NotPossibleNow("nobody is being asked", "Begin an attended transfer first.")
    return leg


def _known(talk: "Talk", extension: str) -> None:
    if not talk.line.has_extension(extension):
        raise NotPossibleNow(
            f"there is no extension {extension}", "Name one of pbx.agents in config.yaml."
        )
