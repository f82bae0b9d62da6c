"""The spoken notice that a talk is recorded, and the key that refuses it."""

from ari_app.ari import ChannelDtmfReceived
from ari_app.calls.call import Call
from ari_app.calls.line import Line
from ari_app.calls.sound import GRACE_SECONDS, play


async def ask_consent(call: Call, line: Line) -> None:
    """Say once per call what the menu that led here demands; afterwards `call.recorded` is known:
    `on`, `off` or `refused`. A refusal holds for recording and transcript alike, and is noted.
    """
    settings = line.settings.recording
    if "recorded" in call.state:
        return
    mode = call.state.get("record") or settings.notice
    if not settings.talks or mode == "never":
        call.recorded = "off"
    elif mode == "notice":
        await play(call, line, settings.notice_prompt)
        call.recorded = "on"
    elif await _refuses(call, line):
        call.recorded = "refused"
        await line.journal.enter(call)  # the next process does not ask again, and records nothing
        line.journal.note(call, "recording.refused", key=settings.refuse_key)
        await play(call, line, settings.refused_prompt)
    else:
        call.recorded = "on"


async def _refuses(call: Call, line: Line) -> bool:
    settings = line.settings.recording
    seconds = line.prompts.seconds(settings.ask_prompt) + settings.refuse_seconds
    await call.lease.cover(seconds)
    playback = await call.channel.play([line.prompts.media(settings.ask_prompt)])
    deadline = seconds + GRACE_SECONDS
    while (event := await call.next_event(deadline)) is not None:
        if isinstance(event, ChannelDtmfReceived) and event.digit == settings.refuse_key:
            if not playback.is_over:
                await playback.stop(wait=False)
            return True
        if playback.is_over:
            deadline = settings.refuse_seconds
    return False
