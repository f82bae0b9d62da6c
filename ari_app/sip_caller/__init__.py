"""Real SIP calls for the demo, the end-to-end tests and the benchmarks: SIPp with a plan.

result = await place_call(
    CallPlan("02287654321", "4001234567", (Wait(3), Press("1"), Speak("空调坏了"), HangUp()))
)
assert result.status == 200
"""

from ari_app.sip_caller.agent import AgentPhone, AgentPlan, Answer, agent_phone
from ari_app.sip_caller.caller import place_call, place_calls
from ari_app.sip_caller.errors import (
    CallerError,
    CallsTooLongError,
    PortsTakenError,
    SippFailedError,
    SippMissingError,
)
from ari_app.sip_caller.invites import Invite, invites
from ari_app.sip_caller.plan import (
    CallPlan,
    ExpectBye,
    HangUp,
    HangUpWhileRinging,
    Play,
    Press,
    Speak,
    Step,
    Tone,
    Wait,
)
from ari_app.sip_caller.rtp import Arrival, Gap, Jump, Rtp
from ari_app.sip_caller.trace import CallResult, SipMessage

__all__ = [
    "AgentPhone",
    "AgentPlan",
    "Answer",
    "Arrival",
    "CallPlan",
    "CallResult",
    "CallerError",
    "CallsTooLongError",
    "ExpectBye",
    "Gap",
    "HangUp",
    "HangUpWhileRinging",
    "Invite",
    "Jump",
    "Play",
    "PortsTakenError",
    "Press",
    "Rtp",
    "SipMessage",
    "SippFailedError",
    "SippMissingError",
    "Speak",
    "Step",
    "Tone",
    "Wait",
    "agent_phone",
    "invites",
    "place_call",
    "place_calls",
]
