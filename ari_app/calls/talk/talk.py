"""Caller and agents talk: one coroutine hears what their telephones do and what they order.

The state is data (`Conversation`) and journaled after every change, so the next process goes on
with the same talk: Asterisk keeps the bridge, the recordings and the music meanwhile.
"""

import asyncio

import structlog

from ari_app.ari import (
    ApplicationReplaced,
    AriError,
    ChannelDestroyed,
    Closed,
    DeadlineExceeded,
    Event,
    StasisStart,
)
from ari_app.ari.backoff import delays
from ari_app.calls.call import Call, HungUp, Stage
from ari_app.calls.line import Line
from ari_app.calls.sound import play
from ari_app.calls.survey import is_wanted
from ari_app.calls.talk import legs, verbs
from ari_app.calls.talk.conversation import Leg
from ari_app.calls.talk.listening import CALLER
from ari_app.calls.talk.mailbox import Command, Mailbox
from ari_app.calls.talk.parties import Parties
from ari_app.queue import Need
from desk.errors import NotPossibleNow

log = structlog.get_logger()

LOOK_SECONDS = 3600.0  # a talk has no limit; the wait for its next event has one
BRIDGE = "mixing,dtmf_events"
FIND_SECONDS = 15.0  # for which Asterisk is asked for a talk that goes on without us


async def talk(call: Call, line: Line) -> Stage:
    """Stage TALK. A caller whose last agent leaves is asked how it was, or hears goodbye; a
    transfer leads to the queue.
    """
    with Mailbox(line.ari) as box:
        talking = Talk(call, line, box)
        line.talks[call.id] = talking
        try:
            # What ends otherwise than here (we stop, another process takes over) leaves caller and
            # agent talking: nothing of theirs is taken down.
            stage = await talking.run()
        except HungUp:
            await talking.end("hangup")
            raise
        except (ApplicationReplaced, Closed):
            raise
        except Exception:
            talking.let_go()  # the rest is the wrap-up's, once the dialplan has the caller
            raise
        finally:
            del line.talks[call.id]
        await talking.end("transferred" if stage is Stage.QUEUE else "completed")
    call.hear_again()  # keys of the talk mean nothing from here on
    await call.lease.restore()
    if stage is Stage.QUEUE:
        return stage
    await call.stop_music()
    if is_wanted(call, line):
        return Stage.SURVEY
    await play(call, line, "goodbye")
    return stage


class Talk(Parties):
    """One talk as this process sees it. The verbs of `ari_app.calls.talk.verbs` act on it."""

    def __init__(self, call: Call, line: Line, box: Mailbox) -> None:
        super().__init__(call, line, box)

    def order(self, command: Command) -> None:
        """Have something done in this talk; the command says when it is.

        Raises:
            NotPossibleNow: too much waits to be done already.
        """
        if not self.box.order(command):
            raise NotPossibleNow("the talk has too many orders waiting", "Try again in a second.")

    # -- from beginning to end -------------------------------------------------------------------

    async def run(self) -> Stage:
        """Until nobody talks with the caller any more; returns the stage that follows.

        Raises:
            HungUp: the caller has hung up.
        """
        self.box.follow(self.call.id)
        for leg in self.state.legs.values():
            self.box.follow(leg.id)
        await self._take_up()
        while self.state.agents():
            item = await self.box.get(LOOK_SECONDS)
            if isinstance(item, Command):
                await self._obey(item)
            elif item is not None:
                await self._heard(item)
        return Stage.QUEUE if self.state.led_on else Stage.WRAP_UP

    async def _take_up(self) -> None:
        """Begin; again where Asterisk only just does not answer: a talk that a former process has
        left goes on meanwhile, and is not to end because we ask at an awkward moment.

        Raises:
            HungUp: the caller has hung up.
            AriError: the talk cannot be begun, or not within `FIND_SECONDS`.
        """
        fresh = not any(leg.up for leg in self.state.legs.values())
        loop, waits = asyncio.get_running_loop(), delays(0.1, 2.0)
        until = loop.time() + FIND_SECONDS
        while True:
            try:
                await self._begin(fresh=fresh)
                return
            except AriError as error:
                passing = error.retryable or isinstance(error, DeadlineExceeded)
                if fresh or not passing or loop.time() >= until:
                    raise
                log.warning("talk not taken over yet", call=self.call.id, error=str(error))
            await asyncio.sleep(next(waits))

    async def _begin(self, *, fresh: bool) -> None:
        """Put the talk together, or find it together where a former process left it. What was done
        before, or by another process, is not done again."""
        found = await self.members()
        for leg in list(self.state.legs.values()):
            if self.state.led_on:  # a former process had begun to
                await self.drop(leg, "transferred")
            elif not leg.up and leg.role != "agent":
                await self.drop(leg)  # it rang when the former process ended
                if leg.role == "consulted":
                    self.state.held = False
            elif leg.up and not await self.exists(leg.id):
                await self._left(leg)
            elif leg.up and leg.role != "supervisor":
                self.line.queue.busy(leg.extension, self.call.id)
        if not self.state.agents():
            return
        if found is None:
            await self.line.ari.bridges.create(
                type=BRIDGE, bridge_id=self.state.bridge, name=self.line.ari.application
            )
        for leg in self.state.agents():
            if leg.up:
                await self.listening.begin(self.channel(leg), f"agent:{leg.extension}")
                continue
            try:
                await self.join(leg)
            except AriError as error:
                log.info("agent was gone at once", call=self.call.id, error=str(error))
                await self._gone_at_once()
                return
        await self.listening.begin(self.call.channel, CALLER)
        if self.state.held:
            await self.call.lease.suspend()
        elif self.call.id not in (found or ()):
            try:
                await self.admit_caller()
            except AriError:
                if not await self.call.is_with_dialplan():
                    raise
                await self._gone_at_once()
                return
        if fresh and self.call.returned.is_set():
            await self._gone_at_once()
            return
        self.call.served = True
        self.call.state["talked"] = True
        await self.save()

    async def _gone_at_once(self) -> None:
        """The agent who had just answered is not there: the caller waits on, in the same place."""
        for leg in list(self.state.legs.values()):
            await self.drop(leg, "hangup")
        self.state.led_on = True
        await self._comes_back()

    # -- what happens ------------------------------------------------------------------------------

    async def _obey(self, command: Command) -> None:
        """A command's failure is its own: the talk goes on."""
        if command.done.cancelled():
            return
        self.actor = command.actor
        try:
            try:
                await command.do(self)
            finally:
                await self.save()  # what fails half-way has changed something all the same
        except NotPossibleNow as error:
            _tell(command, error)
        except AriError as error:
            _tell(command, NotPossibleNow(f"Asterisk refused: {error}", "Look at the talk again."))
        except Exception as error:
            log.exception("order failed", call=self.call.id)
            _tell(command, error)
        else:
            if not command.done.done():
                command.done.set_result(None)
        finally:
            self.actor = ""

    async def _heard(self, event: Event) -> None:
        if event.final and self.call.id in event.channel_ids():
            await self._caller_left()
            return
        ids = event.channel_ids()
        leg = next((leg for leg in self.state.legs.values() if leg.id in ids), None)
        if leg is None:
            return
        try:
            if event.final:
                await self._left(leg, event)
                await self.save()
            elif isinstance(event, StasisStart):
                await verbs.answered(self, leg)
                await self.save()
        except AriError as error:
            log.warning("leg is gone", call=self.call.id, leg=leg.id, error=str(error))
            if isinstance(event, StasisStart):
                await self._fell_out(leg)
            await self.save()

    async def _fell_out(self, leg: Leg) -> None:
        """A leg that answered and could not be placed, gone or not: nobody waits in silence."""
        consulted = leg is self.state.consulted()
        await self.drop(leg, "hangup")
        if consulted:
            try:
                await self._reunite()
            except AriError as error:  # still held, and can be resumed
                log.warning("caller not brought back", call=self.call.id, error=str(error))

    async def _left(self, leg: Leg, event: Event | None = None) -> None:
        """A leg has ended by itself. Whose agents have all left comes back from the dialplan."""
        never_up = isinstance(event, ChannelDestroyed) and not leg.up
        cause = legs.why_not(event) if isinstance(event, ChannelDestroyed) else "hangup"
        if never_up:
            self.missed(leg, cause)
        consulted = self.state.consulted()
        await self.forget(leg, cause)
        if leg is consulted:
            await self._reunite()
        elif leg.role == "agent" and not self.state.agents():
            await self._comes_back()
            if consulted is not None:
                await self._handed_over(consulted)

    async def _handed_over(self, consulted: Leg) -> None:
        """The agent hung up while asking somebody: a transfer to whom was asked."""
        if consulted.up:
            await self.join(consulted)
            await self.admit_caller()
            self.note("call.transferred", to=consulted.extension, how="attended")
        else:
            await self.drop(consulted)
            self.goes_to(consulted.extension)

    def goes_to(self, to: str) -> None:
        """The talk ends, and the caller is led to another extension or team, the place kept."""
        need = Need(extension=to) if self.line.has_extension(to) else Need(team=to)
        self.call.state["need"] = need.as_dict()
        self.state.led_on = True
        self.note("call.transferred", to=to, how="blind")

    async def _reunite(self) -> None:
        if self.state.held and self.state.agents():
            await self.admit_caller()

    async def _caller_left(self) -> None:
        """The caller's channel has left the application: hung up, unless the dialplan has it."""
        if not await self.call.is_with_dialplan():
            raise HungUp(self.call.id)
        await self._comes_back()
        if not self.state.agents():
            return
        if self.state.held:
            await self.call.lease.suspend()
        else:
            await self.admit_caller()

    async def _comes_back(self) -> None:
        """Wait for the caller whom the dialplan took out of the talk.

        Raises:
            HungUp: the caller is gone too.
        """
        await self.call.comes_back()
        self.box.unfollow(self.call.id)
        self.box.follow(self.call.id)


def _tell(command: Command, error: Exception) -> None:
    if not command.done.done():
        command.done.set_exception(error)
