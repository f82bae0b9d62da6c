"""What a caller hears, presses and says: each waits on the call's own events."""

import structlog

from ari_app.ari import (
    ChannelDtmfReceived,
    Event,
    PlaybackFinished,
    RecordingFailed,
    RecordingFinished,
)
from ari_app.calls.call import Call
from ari_app.calls.line import Line
from ari_app.ivr.walk import Ask, Key, Silence
from stt.settings import SpeechSettings

log = structlog.get_logger()

GRACE_SECONDS = 5.0  # how much later than computed Asterisk may say that a sound ended


async def play(call: Call, line: Line, *names: str, number: str = "") -> None:
    """Play prompts to their end; with `number`, its digits before the last prompt."""
    media = [line.prompts.media(name) for name in names]
    media[-1:-1] = line.prompts.digits(number)
    seconds = sum(line.prompts.seconds(name) for name in names) + len(number)
    await call.lease.cover(seconds)
    playback = await call.channel.play(media)
    while (event := await call.next_event(seconds + GRACE_SECONDS)) is not None:
        if playback.is_over:
            await _tell_failure(call, event)
            return
    log.error("playback did not end", call=call.id, prompts=names)


async def ask(call: Call, line: Line, question: Ask) -> Key | Silence:
    """Put a question of the menu and wait for a key.

    The time for silence counts from the end of the prompts. A key stops them where the menu
    allows barge-in; elsewhere keys pressed meanwhile are not heard.
    """
    seconds = sum(line.prompts.seconds(name) for name in question.prompts)
    media = [line.prompts.media(name) for name in question.prompts]
    key = await key_to(call, media, seconds, question.timeout_seconds, barge_in=question.barge_in)
    return Silence() if key is None else Key(key)


async def key_after(
    call: Call, line: Line, *names: str, number: str = "", wait_seconds: float
) -> str | None:
    """The key that a caller presses while prompts play, which it stops, or within `wait_seconds`
    after them; with `number`, its digits before the last prompt. None: silence.
    """
    media = [line.prompts.media(name) for name in names]
    media[-1:-1] = line.prompts.digits(number)
    seconds = sum(line.prompts.seconds(name) for name in names) + len(number)
    return await key_to(call, media, seconds, wait_seconds)


async def keys_after(call: Call, line: Line, name: str, *, most: int, wait_seconds: float) -> str:
    """The digits that a caller keys in, up to `#`, a `*` (which is given back alone), a pause of
    `wait_seconds`, or `most` of them.
    """
    keyed = ""
    key = await key_after(call, line, name, wait_seconds=wait_seconds)
    while key is not None and key != "#":
        if key == "*":
            return key
        keyed += key
        if len(keyed) == most:
            break
        key = await key_to(call, [], 0.0, wait_seconds)
    return keyed


async def key_to(
    call: Call, media: list[str], seconds: float, wait_seconds: float, *, barge_in: bool = True
) -> str | None:
    """The key that a caller presses while `media` play for about `seconds`, or after them; see
    `key_after`. Without `barge_in`, keys that come meanwhile are not heard.
    """
    await call.lease.cover(seconds + wait_seconds)
    playback = None
    if media:
        playback = await call.channel.play(media)
    deadline = seconds + GRACE_SECONDS if playback else wait_seconds
    while (event := await call.next_event(deadline)) is not None:
        if isinstance(event, ChannelDtmfReceived):
            if playback is None:
                return event.digit
            if barge_in:
                if not playback.is_over:
                    await playback.stop(wait=False)
                return event.digit
        elif playback is not None and playback.is_over:
            await _tell_failure(call, event)
            if not wait_seconds:
                return None
            playback = None
            deadline = wait_seconds
    return None


async def _tell_failure(call: Call, event: Event) -> None:
    """A prompt that cannot be played is silence for the caller, and an alarm for operators."""
    if not isinstance(event, PlaybackFinished) or event.playback.state != "failed":
        return
    if not await call.is_ending():  # a hang-up fails what plays
        log.error("prompt not played", call=call.id, media=event.playback.media_uri)


async def record(call: Call, name: str, speech: SpeechSettings) -> None:
    """Record the caller after a tone until silence, the key # or the longest message."""
    await call.lease.cover(speech.message_seconds)
    recording = await call.channel.record(
        name,
        format="wav",
        max_duration_seconds=speech.message_seconds,
        max_silence_seconds=round(speech.silence_seconds),
        beep=True,
        terminate_on="#",
        if_exists="overwrite",
    )
    while await call.next_event(speech.message_seconds + GRACE_SECONDS) is not None:
        if recording.is_over:
            return
    log.error("recording did not end", call=call.id, recording=name)


async def recorded(call: Call, name: str, speech: SpeechSettings) -> None:
    """Wait for the end of a recording that a former process began."""
    await call.lease.cover(speech.message_seconds)
    while (event := await call.next_event(speech.message_seconds + GRACE_SECONDS)) is not None:
        if isinstance(event, RecordingFinished | RecordingFailed) and event.recording.name == name:
            return
    log.error("recording did not end", call=call.id, recording=name)
