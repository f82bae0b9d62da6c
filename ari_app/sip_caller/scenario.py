"""SIPp scenarios as text. Pure: a plan and its media in, XML out.

Words of a caller (name, numbers, headers) never stand in the XML: the scenario names SIPp keywords
(`[caller]`, or `[field1]` of an injection file) and the values arrive beside it, so that no value
can be taken for markup or for a keyword. Source: SIPp 3.6 reference documentation.
"""

from xml.sax.saxutils import quoteattr

from ari_app.sip_caller.messages import (
    AGENT_BYE,
    INVITE_BRANCH,
    OK,
    REMEMBER_CSEQ,
    REMEMBER_PARTIES,
    Dialogue,
    Media,
    Words,
    reply,
    sdp_of,
)
from ari_app.sip_caller.plan import CallPlan, ExpectBye, HangUpWhileRinging
from ari_app.sip_caller.timeline import ALAW

REFUSALS = (
    *(300, 301, 302, 305, 380),
    *(400, 401, 402, 403, 404, 405, 406, 407, 408, 410, 413, 414, 415, 416, 420, 421, 423),
    *(480, 481, 482, 483, 484, 485, 486, 487, 488, 491, 493),
    *(500, 501, 502, 503, 504, 505, 513, 600, 603, 604, 606),
)
"""Final answers that are no (RFC 3261, section 21)."""
_CANCEL_MILLISECONDS = 5000
_BYE_MILLISECONDS = 2000
_BYE_LIMIT = f'timeout="{_BYE_MILLISECONDS}" ontimeout="end"'
_BYE_ANSWERED = (
    '<recv response="481" optional="true" next="end"/>',
    f'<recv response="200" response_txn="bye" {_BYE_LIMIT} next="end"/>',
)
_CANCEL_LIMIT = f'timeout="{_CANCEL_MILLISECONDS}" ontimeout="end"'
_CANCEL_ANSWERED = (
    # The CANCEL shares the INVITE's branch, so the first line, which names no transaction, takes
    # the 200 of the CANCEL by its CSeq, and the second one an INVITE's that crossed it.
    '<recv response="200" optional="true"/>',
    '<recv response="200" response_txn="invite" optional="true" next="late"/>',
    '<recv response="481" optional="true"/>',
    f'<recv response="487" response_txn="invite" {_CANCEL_LIMIT}/>',
)


_REINVITED = '<recv request="INVITE" optional="global" next="reinvite"/>'
"""To stand behind the first one. (SIPp wants it before a message that must come.)"""
_NOW = (
    '<gettimeofday assign_to="now,microseconds"/><multiply assign_to="now" value="1000"/>'
    '<divide assign_to="microseconds" value="1000"/>'
    '<add assign_to="now" variable="microseconds"/>'
)
"""Sets the variable `now`: milliseconds since 1970."""
_LEFT = (
    '<assign assign_to="left" variable="due"/><subtract assign_to="left" variable="now"/>'
    '<test assign_to="over" variable="left" compare="less_than" value="1"/>'
)


def caller_scenario(plan: CallPlan, media: Media, *, injected: bool) -> str:
    """The calling side. `injected`: caller, dialled number and name come from an injection file
    (`[field0]` name, `[field1]` caller, `[field2]` dialled), one line per call; otherwise they are
    SIPp's generic parameters `display`, `caller` and `dialled`. Additional headers are always the
    generic parameter `headers`."""
    words = Words.injected() if injected else Words.given()
    gives_up = next((step for step in plan.steps if isinstance(step, HangUpWhileRinging)), None)
    ring_ms = _ms(gives_up.seconds if gives_up else plan.answer_seconds)
    limit = f'timeout="{ring_ms}" ontimeout="unanswered"'
    identity = words.anonymous() if plan.privacy else words.identity()
    dialogue = Dialogue(identity, words.dialled)
    return _scenario(
        _send(dialogue.invite(media), retrans=True, more='start_txn="invite"'),
        f'<recv request="BYE" optional="global" next="bye" {limit}/>',
        *_provisional(limit),
        *(
            f'<recv response="{code}" response_txn="invite" optional="true" next="refused"/>'
            for code in REFUSALS
        ),
        *([] if gives_up or media.info else [_REINVITED]),
        f'<recv response="200" response_txn="invite" rrs="true" {limit}>'
        f"{'' if gives_up else _begin(media)}</recv>",
        _send(dialogue.ack("[next_url]"), more='ack_txn="invite"'),
        *([] if gives_up else _talk(media, dialogue)),
        *([] if gives_up else _ending(plan)),
        '<label id="hangup"/>',
        _send(dialogue.bye(), retrans=True, more='start_txn="bye"'),
        *_BYE_ANSWERED,
        *([] if gives_up or media.info else _reinvite(media)),
        '<label id="bye"/>',
        _send(OK, more='next="end"'),
        '<label id="unanswered"/>',
        _send(dialogue.cancel(), retrans=True),
        *_CANCEL_ANSWERED,
        '<label id="refused"/>',
        _send(dialogue.ack(words.uri, INVITE_BRANCH), more='ack_txn="invite" next="end"'),
        '<label id="late"/>',
        _send(dialogue.ack(words.uri), more='ack_txn="invite"'),
        _send(dialogue.bye(words.uri), retrans=True, more='start_txn="latebye"'),
        f'<recv response="200" response_txn="latebye" {_BYE_LIMIT}/>',
        '<label id="end"/>',
        '<pause milliseconds="0"/>',
    )


def agent_scenario(plan: CallPlan, media: Media, *, rings: float, answer: int) -> str:
    """The called side: rings `rings` seconds, then gives the final answer (200: talks as the plan
    says). A CANCEL meanwhile is obeyed."""
    final = (
        [
            _send(reply(200, "OK", sdp=sdp_of(media)), retrans=True),
            *([] if media.info else [_REINVITED]),
            f'<recv request="ACK">{_begin(media)}</recv>',
            *_talk(media, None),
            *_ending(plan),
            '<label id="hangup"/>',
            _send(AGENT_BYE, retrans=True, more='start_txn="bye"'),
            *_BYE_ANSWERED,
            *([] if media.info else _reinvite(media)),
        ]
        if answer == 200
        else [
            _send(reply(answer, "Refused"), retrans=True),
            '<recv request="ACK" next="end"/>',
        ]
    )
    remembered = REMEMBER_CSEQ + (REMEMBER_PARTIES if answer == 200 else "")
    return _scenario(
        '<recv request="CANCEL" optional="global" next="cancelled"/>',
        '<recv request="BYE" optional="global" next="bye"/>',
        f'<recv request="INVITE" rrs="true"><action>{remembered}</action></recv>',
        _send(reply(180, "Ringing")),
        f'<pause milliseconds="{_ms(rings)}"/>',
        *final,
        '<label id="bye"/>',
        _send(OK, more='next="end"'),
        '<label id="cancelled"/>',
        _send(OK),
        _send(reply(487, "Request Terminated", of_invite=True), retrans=True),
        '<recv request="ACK"/>',
        '<label id="end"/>',
        '<pause milliseconds="0"/>',
    )


def _provisional(limit: str) -> list[str]:
    return [
        f'<recv response="{code}" response_txn="invite" optional="true" {limit}/>'
        for code in (100, 180, 181, 182, 183)
    ]


def _begin(media: Media) -> str:
    """What the message that begins the talk sets off: the media, and the time that it takes. All at
    once, for the next message may come at once.
    """
    if media.kind == "capture":
        play = f"<exec play_pcap_audio={quoteattr(str(media.path))}/>"
    else:
        source = f"{media.path},1,{ALAW},PCMA/8000"
        play = f"<exec rtp_stream={quoteattr(source)}/>"
    if media.info:
        return f"<action>{play}</action>"
    lasts = f'<add assign_to="due" value="{_ms(media.seconds)}"/>'
    return f'<action>{play}{_NOW}<assign assign_to="due" variable="now"/>{lasts}</action>'


def _talk(media: Media, dialogue: Dialogue | None) -> list[str]:
    """Let the media's time pass; a BYE meanwhile leads to the label `bye`."""
    if not media.info:
        return [
            '<label id="rest"/>',
            f"<nop><action>{_NOW}{_LEFT}</action></nop>",
            '<nop test="over" next="told"/>',
            '<pause variable="left"/>',
            '<label id="told"/>',
        ]
    parts, passed = [], 0.0
    for at, key in media.info:
        if dialogue is None:
            raise ValueError("an agent without privileges cannot press keys")
        parts.append(f'<pause milliseconds="{_ms(at - passed)}"/>')
        parts.append(_send(dialogue.info(key), retrans=True, more='start_txn="info"'))
        parts.append('<recv response="200" response_txn="info"/>')
        passed = at
    return [*parts, f'<pause milliseconds="{_ms(media.seconds - passed)}"/>']


def _reinvite(media: Media) -> list[str]:
    """The other side changes the session, to hold it or to move its media: agreed to; the sound
    goes on and ends when it would have.
    """
    return [
        '<label id="reinvite"/>',
        _send(reply(200, "OK", sdp=sdp_of(media), tag=""), retrans=True),
        '<recv request="ACK" next="rest"/>',
    ]


def _ending(plan: CallPlan) -> list[str]:
    last = plan.steps[-1] if plan.steps else None
    if not isinstance(last, ExpectBye):
        return []
    limit = f'timeout="{_ms(last.seconds)}" ontimeout="hangup"'
    return [f'<recv request="BYE" next="bye" {limit}/>']


def _scenario(*parts: str) -> str:
    lines = "\n".join(parts)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="call">\n{lines}\n</scenario>\n'


def _send(message: str, *, retrans: bool = False, more: str = "") -> str:
    attributes = " ".join(part for part in ('retrans="500"' if retrans else "", more) if part)
    return f"<send {attributes}><![CDATA[\n{message}]]></send>"


def _ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))
