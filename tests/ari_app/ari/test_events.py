"""Every event Asterisk describes has a class, and no bytes can do more than be refused."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.ari import events
from ari_app.ari.decoding import CLASSES, MalformedError, decode

CHANNEL = {"id": "1.1", "caller": {"name": "张", "number": "02212345678"}, "state": "Up"}
BRIDGE = {"id": "b-1", "channels": ["1.1"]}


@pytest.mark.parametrize(
    ("message", "channels", "bridges"),
    [
        ({"type": "StasisStart", "channel": CHANNEL}, ("1.1",), ()),
        (
            {"type": "ChannelEnteredBridge", "channel": CHANNEL, "bridge": BRIDGE},
            ("1.1",),
            ("b-1",),
        ),
        ({"type": "ChannelEnteredBridge", "bridge": BRIDGE}, (), ("b-1",)),
        ({"type": "Dial", "peer": {"id": "c-2"}, "caller": CHANNEL}, ("c-2", "1.1"), ()),
        ({"type": "Dial", "peer": {"id": "c-2"}}, ("c-2",), ()),
        (
            {"type": "PlaybackFinished", "playback": {"id": "p-1", "target_uri": "channel:1.1"}},
            ("1.1",),
            (),
        ),
        (
            {"type": "PlaybackFinished", "playback": {"id": "p-1", "target_uri": "bridge:b-1"}},
            (),
            ("b-1",),
        ),
        (
            {"type": "RecordingFailed", "recording": {"name": "m", "target_uri": "channel:a:b"}},
            ("a:b",),
            (),
        ),
        ({"type": "ChannelVarset", "variable": "X", "value": "1"}, (), ()),
        (
            {"type": "BridgeMerged", "bridge": BRIDGE, "bridge_from": {"id": "b-2"}},
            (),
            ("b-1", "b-2"),
        ),
        ({"type": "Novelty", "channel": CHANNEL, "bridge": BRIDGE}, ("1.1",), ("b-1",)),
        ({"type": "Novelty", "channel": "1.1", "bridge": None}, (), ()),
        ({"type": "RESTResponse", "request_id": "1", "status_code": 200}, (), ()),
        ({"type": "ApplicationReplaced"}, (), ()),
    ],
)
def test_an_event_knows_whom_it_concerns(
    message: dict[str, object], channels: tuple[str, ...], bridges: tuple[str, ...]
) -> None:
    event = decode(json.dumps(message).encode())
    assert event.type == message["type"]
    assert (event.channel_ids(), event.bridge_ids()) == (channels, bridges)


def test_only_the_events_that_end_a_channel_are_final() -> None:
    assert {name for name, kind in CLASSES.items() if kind.final} == {
        "StasisEnd",
        "ChannelDestroyed",
    }


def test_the_time_of_an_event_is_aware() -> None:
    event = decode(
        b'{"type":"StasisEnd","timestamp":"2026-11-22T08:07:18.309+0800","channel":{"id":"1"}}'
    )
    assert event.at == datetime(2026, 11, 22, 0, 7, 18, 309000, tzinfo=UTC)


def test_fields_asterisk_leaves_out_are_empty_and_new_ones_do_no_harm() -> None:
    event = decode(b'{"type":"ChannelDtmfReceived","digit":"#","channel":{"id":"1"},"new":[1]}')
    assert isinstance(event, events.ChannelDtmfReceived)
    assert (event.digit, event.duration_ms, event.channel.caller.number) == ("#", 0, "")


@given(st.binary(max_size=200))
def test_no_bytes_can_do_more_than_be_refused(message: bytes) -> None:
    with pytest.raises(MalformedError):
        decode(message)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(
    st.sampled_from([*CLASSES, "Novelty"]),
    st.dictionaries(
        st.sampled_from(["channel", "bridge", "playback", "recording", "peer", "args", "digit"]),
        _json | st.fixed_dictionaries({"id": _json, "name": _json, "target_uri": _json}),
    ),
)
def test_a_known_type_with_any_fields_is_an_event_or_refused(
    name: str, fields: dict[str, object]
) -> None:
    try:
        event = decode(json.dumps({"type": name, **fields}))
    except MalformedError:
        return
    assert all(isinstance(ident, str) for ident in (*event.channel_ids(), *event.bridge_ids()))
