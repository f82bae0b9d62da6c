"""What keeps the bridge from starting. A target that fails is no error: it is tried again."""


class BridgeError(Exception):
    """Base of the bridge's errors; `str()` is one sentence with the mend."""


class SecretError(BridgeError):
    """A target's secret cannot be used, read or kept."""


class DemoCrmError(BridgeError):
    """The demo CRM cannot be started or reached."""
