"""What a phase that is not rolled out yet changes of the other settings."""

from typing import TYPE_CHECKING, Any

from desk.rollout import Switch

if TYPE_CHECKING:
    from ari_app.settings import Settings


def switched(settings: "Settings") -> dict[str, Any]:
    """The sections as the switches leave them; none is changed where everything is on."""
    on = settings.rollout.on
    found: dict[str, Any] = {}
    if not on(Switch.DATA_TICKETS):
        off = {"area_codes": [], "abandoned": False, "talked": False}
        found["tickets"] = settings.tickets.model_copy(update=off)
    if not on(Switch.AUTOMATION_CALLBACKS):
        confirm = settings.outbound.confirm
        ways = dict.fromkeys(range(5), "handler")
        confirm = confirm.model_copy(update={"ways": ways})
        found["outbound"] = settings.outbound.model_copy(update={"confirm": confirm})
    if not on(Switch.AUTOMATION_SURVEYS):
        found["surveys"] = settings.surveys.model_copy(update={"after_talk": False})
    return found
