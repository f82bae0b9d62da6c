"""What keeps the demo from showing what was asked for."""

from ari_app.sip_caller import CallerError


class NoPersonError(CallerError):
    """No key of the menus leads to an agent."""

    def __init__(self) -> None:
        super().__init__(
            "no key of your menus leads to a person; give one `person: <team>` in config.yaml "
            "(ivr: menus:), or see `huisheng demo` without --talk"
        )
