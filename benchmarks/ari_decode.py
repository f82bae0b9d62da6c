"""What one websocket message costs: typed structs (msgspec) against plain dictionaries.

The messages are those of one IVR call. Each contender decodes one and reads what the client needs
to find its listeners: the type, and the channel's id. Run: python benchmarks/ari_decode.py [--json]
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable

import orjson

from ari_app.ari.decoding import decode

ROUNDS = 7
LOOPS = 2000
_CHANNEL = {
    "id": "1795306038.1017",
    "name": "PJSIP/carrier-00000012",
    "state": "Up",
    "protocol_id": "1-5521@127.0.0.1",
    "caller": {"name": "", "number": "02287654321"},
    "connected": {"name": "", "number": ""},
    "accountcode": "",
    "dialplan": {
        "context": "from-trunk",
        "exten": "4001234567",
        "priority": 4,
        "app_name": "Stasis",
        "app_data": "huisheng",
    },
    "creationtime": "2026-11-22T00:07:18.309+0000",
    "language": "en",
}
_COMMON = {
    "timestamp": "2026-11-22T00:07:19.014+0000",
    "asterisk_id": "02:fc:00:00:00:01",
    "application": "huisheng",
}
_PLAYBACK = {
    "id": "p-3f9a1c7e22-1a",
    "media_uri": "sound:huisheng/main",
    "target_uri": "channel:1795306038.1017",
    "language": "en",
    "state": "done",
}


def _reply(number: int, status: int, body: object = None) -> dict[str, object]:
    reply = {
        "type": "RESTResponse",
        "transaction_id": "",
        "request_id": str(number),
        "status_code": status,
        "reason_phrase": "OK",
        "uri": "channels/1795306038.1017",
    }
    if body is not None:
        reply |= {"content_type": "application/json", "message_body": json.dumps(body)}
    return reply | _COMMON


CALL = [
    json.dumps(message, separators=(",", ":")).encode()
    for message in (
        {"type": "StasisStart", "args": [], "channel": _CHANNEL} | _COMMON,
        _reply(1, 204),
        _reply(2, 201, _PLAYBACK),
        {"type": "ChannelDtmfReceived", "digit": "1", "duration_ms": 100, "channel": _CHANNEL}
        | _COMMON,
        _reply(3, 204),
        {"type": "PlaybackFinished", "playback": _PLAYBACK} | _COMMON,
        _reply(4, 201, _PLAYBACK),
        {"type": "PlaybackFinished", "playback": _PLAYBACK} | _COMMON,
        _reply(5, 204),
        {"cause": 16, "type": "ChannelHangupRequest", "channel": _CHANNEL} | _COMMON,
        {"type": "StasisEnd", "channel": _CHANNEL} | _COMMON,
    )
]


def typed(message: bytes) -> object:
    """msgspec: a union of structs, told apart by "type"; fields nobody declared are skipped."""
    event = decode(message)
    return event.type, event.channel_ids()


def _from_dict(event: dict[str, object]) -> object:
    channel = event.get("channel")
    if isinstance(channel, dict):
        return event["type"], (channel["id"],)
    playback = event.get("playback")
    if isinstance(playback, dict):
        return event["type"], (playback["target_uri"][8:],)
    return event["type"], ()


def orjson_dict(message: bytes) -> object:
    return _from_dict(orjson.loads(message))


def json_dict(message: bytes) -> object:
    return _from_dict(json.loads(message))


CONTENDERS: dict[str, Callable[[bytes], object]] = {
    "msgspec structs": typed,
    "orjson dictionaries": orjson_dict,
    "json dictionaries": json_dict,
}


def measure() -> dict[str, float]:
    """Microseconds per message, median of alternating rounds."""
    assert len({tuple(map(str, map(run, CALL))) for run in CONTENDERS.values()}) == 1
    rounds: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    for _ in range(ROUNDS):
        for name, run in CONTENDERS.items():
            began = time.perf_counter()
            for _ in range(LOOPS):
                for message in CALL:
                    run(message)
            rounds[name].append((time.perf_counter() - began) / LOOPS / len(CALL) * 1e6)
    return {name: statistics.median(times) for name, times in rounds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    results = measure()
    if options.json:
        print(json.dumps({"results": results, "unit": "µs per message", "messages": len(CALL)}))
        return
    for name, microseconds in results.items():
        print(
            f"{name:22} {microseconds:6.2f} µs a message {microseconds * len(CALL):7.1f} µs a call"
        )


if __name__ == "__main__":
    main()
