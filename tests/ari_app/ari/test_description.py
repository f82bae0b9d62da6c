"""Nothing wrong leaves the process: requests are checked against Asterisk's own description."""

from typing import Any

import pytest

from ari_app.ari import AriError
from ari_app.ari.description import Descriptions, Operation, snake
from ari_app.ari.lanes import Lane
from tests.ari_app.ari.fake import DESCRIPTIONS


def operation(name: str) -> Operation:
    return Descriptions.parse(DESCRIPTIONS).operations[name]


def described(*parameters: dict[str, Any], returns: str = "void") -> Operation:
    document = {
        "apis": [
            {
                "path": "/things/{thingId}",
                "operations": [
                    {
                        "nickname": "touch",
                        "httpMethod": "POST",
                        "responseClass": returns,
                        "parameters": [
                            {
                                "name": "thingId",
                                "paramType": "path",
                                "dataType": "string",
                                "required": True,
                            },
                            *parameters,
                        ],
                    }
                ],
            }
        ]
    }
    return Descriptions.parse({"things": document}).operations["things.touch"]


def query(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "paramType": "query", "dataType": "string", **fields}


@pytest.mark.parametrize(
    ("wire", "python"),
    [
        ("channelId", "channel_id"),
        ("sendDTMF", "send_dtmf"),
        ("absorbDTMF", "absorb_dtmf"),
        ("external_host", "external_host"),
        ("from", "from_"),
        ("rtpstatistics", "rtpstatistics"),
        ("setChannelVar", "set_channel_var"),
    ],
)
def test_names_are_the_descriptions_in_snake_case(wire: str, python: str) -> None:
    assert snake(wire) == python


@pytest.mark.parametrize(
    ("channel_id", "path"),
    [
        ("1716.32", "channels/1716.32/answer"),
        ("c-1;2", "channels/c-1%3B2/answer"),
        ("a/../b?x=1#y", "channels/a%2F..%2Fb%3Fx%3D1%23y/answer"),
        ('"\r\n', "channels/%22%0D%0A/answer"),
        ("{channelId}", "channels/%7BchannelId%7D/answer"),
        ("通道", "channels/%E9%80%9A%E9%81%93/answer"),
    ],
)
def test_an_id_cannot_reach_beyond_its_place_in_the_path(channel_id: str, path: str) -> None:
    assert operation("channels.answer").request({"channel_id": channel_id}).target == path


@pytest.mark.parametrize("channel_id", ["", ".", "..", "a\0b", "\ud800"])
def test_an_id_that_would_name_something_else_is_refused(channel_id: str) -> None:
    with pytest.raises(ValueError, match=r"channel|NUL|surrogates"):
        _ = operation("channels.hangup").request({"channel_id": channel_id}).target


def test_values_are_escaped_once_and_none_means_not_given() -> None:
    request = operation("channels.set_channel_var").request(
        {"channel_id": "1.1", "variable": "X", "value": '张"&=%\n${CHANNEL}'}
    )
    assert request.target == (
        "channels/1.1/variable?variable=X&value=%E5%BC%A0%22%26%3D%25%0A%24%7BCHANNEL%7D"
    )
    hangup = operation("channels.hangup").request({"channel_id": "1.1", "reason": None})
    assert hangup.target == "channels/1.1"


def test_lists_booleans_and_numbers_are_written_as_asterisk_reads_them() -> None:
    touch = described(
        query("media", allowMultiple=True), query("beep", dataType="boolean"), query("seconds")
    )
    request = touch.request(
        {"thing_id": "1", "media": ["sound:a", "sound:b"], "beep": True, "seconds": 3}
    )
    assert request.target == "things/1?media=sound:a,sound:b&beep=true&seconds=3"


def test_a_comma_inside_one_sound_is_refused_because_asterisk_would_see_two() -> None:
    touch = described(query("media", allowMultiple=True))
    with pytest.raises(ValueError, match="comma"):
        _ = touch.request({"thing_id": "1", "media": "sound:a,b"}).target


def test_a_value_outside_the_described_choices_is_refused_with_the_choices() -> None:
    touch = described(query("direction", allowableValues={"values": ["in", "out"]}))
    with pytest.raises(ValueError, match="in, out"):
        touch.request({"thing_id": "1", "direction": "up"})


def test_variables_travel_in_the_body_under_their_name() -> None:
    request = operation("channels.originate_with_id").request(
        {"channel_id": "c-1", "endpoint": "PJSIP/1", "variables": {"A": "1"}}
    )
    assert request.body == {"variables": {"A": "1"}}


def test_a_file_is_never_asked_for_over_the_websocket() -> None:
    assert described(returns="binary").lane is Lane.HTTP


def test_an_operation_the_lane_table_does_not_know_may_block_so_it_takes_http() -> None:
    assert described().lane is Lane.HTTP


def test_a_reply_that_is_not_what_was_described_is_one_typed_error() -> None:
    with pytest.raises(AriError, match=r"channels\.get"):
        operation("channels.get").result('{"no": "id"}')
    with pytest.raises(AriError):
        operation("channels.get").result(b"<html>")
