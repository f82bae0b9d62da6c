"""The audio that a real Asterisk sends is heard word for word."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ari_app.ari import Client, StasisStart, new_id
from asterisk_conf.render import ARI_USER
from asterisk_conf.server import AsteriskServer
from stt.live import LivePool, MediaError, read_media
from stt.recipe.spoken import Voice
from stt.recogniser import SpeechModel
from stt.wav import probe
from tests.stt import wavs
from tests.stt.phrases import COMPLAINT

pytestmark = pytest.mark.asterisk

KEY = "default"
SECONDS = 30.0


async def test_party_is_heard_through_chan_websocket_until_it_hangs_up(
    asterisk: AsteriskServer,
    model: SpeechModel,
    spoken: Callable[[str, Voice], Path],
) -> None:
    sound = np.frombuffer(b"".join(probe(spoken(COMPLAINT, Voice())).blocks(60)), np.int16)
    folder = asterisk.paths.sounds / "huisheng"
    folder.mkdir(parents=True, exist_ok=True)
    wavs.write(folder / "test-complaint.wav", sound)
    application = asterisk.pbx.application
    async with (
        LivePool({KEY: model}, threads=1) as pool,
        Client(
            url=asterisk.ari_url,
            username=ARI_USER,
            password=asterisk.secrets.ari,
            application=application,
        ) as ari,
    ):
        media, bridge = ari.channel(new_id("m")), ari.bridge(new_id("b"))
        await ari.bridges.create(type="mixing", bridge_id=bridge.id)
        made = await ari.channels.external_media(
            external_host="INCOMING",
            format="slin",
            channel_id=media.id,
            transport="websocket",
            encapsulation="none",
            connection_type="server",
            transport_data="f(json)",
        )
        ident = made.channelvars["MEDIA_WEBSOCKET_CONNECTION_ID"]
        url = f"ws://127.0.0.1:{asterisk.pbx.http_port}/media/{ident}"
        partials: list[str] = []
        ended = asyncio.Event()
        stream = pool.open(
            KEY, wavs.RATE, on_partial=partials.append, on_utterance=lambda _: ended.set()
        )
        assert stream is not None
        with media.listen(StasisStart) as entering:  # it enters when we connect
            reading = asyncio.create_task(read_media(url, stream), name="reading")
            assert await entering.get(SECONDS)
        await bridge.add_channel(media.id)
        await bridge.play("sound:huisheng/test-complaint", wait=False)
        async with asyncio.timeout(SECONDS):
            await ended.wait()
            await media.hangup()
            await reading
        await bridge.destroy()
        outcome = await stream.finish(SECONDS)
        with pytest.raises(MediaError, match="no connection"):
            await read_media(url, stream)  # an id serves once
    assert outcome.complete
    assert [said.text for said in outcome.utterances] == [COMPLAINT]
    assert partials
