"""The `outbound:` section of config.yaml against the rest of it: trunk, prompts, numbers."""

from collections.abc import Iterator

from ari_app.ivr.settings import IvrSettings
from ari_app.problem import Problem, unknown
from asterisk_conf.settings import IpTrunk, PbxSettings
from desk.outbound import OutboundSettings

PROMPTS = (
    *("confirm_greeting", "confirm_identity", "confirm_not_me", "confirm_number"),
    *("confirm_consent", "confirm_refused", "confirm_question", "confirm_solved"),
    *("confirm_reopened", "confirm_bye", "outbound_greeting"),
)
"""What customers hear when we call them."""
HOTLINE = "400"  # such numbers take calls and make none


def check_outbound(
    settings: OutboundSettings, pbx: PbxSettings, ivr: IvrSettings
) -> Iterator[Problem]:
    """Settings that cannot work: no such trunk, one that cannot be called over, a shown number that
    no carrier lets through, prompts that are missing. Nothing without a trunk.
    """
    if settings.trunk is None:
        return
    trunks = {trunk.name: trunk for trunk in pbx.trunks}
    trunk = trunks.get(settings.trunk)
    if trunk is None:
        yield Problem(("outbound", "trunk"), unknown("trunk", settings.trunk, trunks))
    elif isinstance(trunk, IpTrunk) and not trunk.contacts:
        yield Problem(
            ("outbound", "trunk"),
            f"trunk {trunk.name} has networks only; calls need a host that is one address or name",
        )
    if settings.shown_number is not None and settings.shown_number.startswith(HOTLINE):
        yield Problem(
            ("outbound", "shown_number"),
            f"{settings.shown_number} takes calls only; show a land line that the carrier gave you",
        )
    dead = [
        allowed
        for allowed in settings.limits.allowed_prefixes
        if allowed.startswith(tuple(settings.limits.refused_prefixes))
    ]
    if len(dead) == len(settings.limits.allowed_prefixes):
        yield Problem(
            ("outbound", "limits", "allowed_prefixes"),
            "refused_prefixes takes all of them; no number at all could be called",
        )
    for name in PROMPTS:
        if name not in ivr.prompts:
            yield Problem(("ivr", "prompts"), f"the prompt {name!r} is missing; outbound needs it")
