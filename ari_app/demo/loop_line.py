"""The private line of the closed loop, and what its customer and its agent do on the telephone."""

import socket

from ari_app.demo.lines import HERE, staffed
from ari_app.prompts.cache import Prompts
from ari_app.settings import Settings
from ari_app.sip_caller import AgentPlan, ExpectBye, Press, Wait
from ari_app.sip_caller.dialogue import AGENT, CALLER, Turn
from asterisk_conf.ports import free_port
from asterisk_conf.settings import IpTrunk
from crm_bridge.messaging.settings import MessagingSettings
from desk.outbound import ConfirmSettings, LimitSettings, OutboundSettings
from desk.rollout import RolloutSettings

NUMBER = "13820221234"  # a mobile of Tianjin
NAME = "王先生"
SHOWN = "02288880000"
TRUNK = "demo"
WISH = "complaint"
TALK = (
    Turn(AGENT, "您好请问有什么可以帮您"),
    Turn(CALLER, "您好我要投诉产品质量太差了"),
    Turn(AGENT, "好的已经为您登记了"),
)
RINGS_SECONDS = 1.0
THINK_SECONDS = 1.2  # from a question's end to the key, where the question is short
LISTEN_SECONDS = {"identity": 5.5, "consent": 3.0, "question": 3.5}
"""After which this customer has heard enough of a question: he may press before its end."""
STAY_SECONDS = 30.0


def loop_settings(settings: Settings) -> Settings:
    """A private line that calls its customer, on a telephone of this machine: at any hour, soon
    again if he is not reached, and with SMS that go into a file: by one he is asked how it was, so
    that the page is seen too, and not by keys in the call. `customers_port` says where it rings.
    """
    settings = staffed(settings)
    trunk = IpTrunk(
        kind="ip",
        name=TRUNK,
        hosts=[HERE],
        port=free_port(socket.SOCK_DGRAM),
        qualify_seconds=0,
    )
    api = settings.api.model_copy(update={"host": HERE, "port": free_port(socket.SOCK_STREAM)})
    confirm = ConfirmSettings(
        ways={0: "call", 1: "handler", 2: "call", 3: "call", 4: "call"},
        attempts=2,
        retry_minutes=0.05,
        salutation=settings.outbound.confirm.salutation,
    )
    outbound = OutboundSettings(
        trunk=TRUNK,
        shown_number=SHOWN,
        hours=["00:00-24:00"],
        limits=LimitSettings(),
        virtual_prefixes=[],
        confirm=confirm,
    )
    url = f"http://{api.host}:{api.port}"
    return settings.model_copy(
        update={
            "pbx": settings.pbx.model_copy(update={"trunks": [trunk]}),
            "api": api,
            "outbound": outbound,
            "rollout": RolloutSettings(),
            "recording": settings.recording.model_copy(update={"talks": True}),
            "tickets": settings.tickets.model_copy(update={"talked": True}),
            "messages": settings.messages.model_copy(update={"quiet": None, "tell_resolved": True}),
            "links": settings.links.model_copy(update={"base_url": url}),
            "surveys": settings.surveys.model_copy(
                update={"after_talk": False, "after_close": True}
            ),
            "bridge": settings.bridge.model_copy(update={"messaging": MessagingSettings()}),
        }
    )


def customers_port(settings: Settings) -> int:
    """Where the customer of a line with `loop_settings` is rung."""
    return int(settings.pbx.trunks[0].port)


def answering(prompts: Prompts, key: str) -> AgentPlan:
    """A customer who answers our call: it is he, he agrees to the recording, and then `key`."""
    identity = ("confirm_greeting", "confirm_identity", "confirm_not_me")
    return AgentPlan(
        rings=RINGS_SECONDS,
        steps=(
            _heard(prompts, "identity", *identity),
            Press("1"),
            _heard(prompts, "consent", "confirm_consent"),
            Press("1"),
            _heard(prompts, "question", "confirm_question"),
            Press(key),
            ExpectBye(STAY_SECONDS),
        ),
    )


def _heard(prompts: Prompts, question: str, *names: str) -> Wait:
    whole = sum(prompts.seconds(name) for name in names) + THINK_SECONDS
    return Wait(min(whole, LISTEN_SECONDS[question]))
