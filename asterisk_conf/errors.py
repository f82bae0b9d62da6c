"""What can go wrong with an Asterisk, each with a sentence that says the mend."""


class PbxError(Exception):
    """Base of all errors of this package. `retryable`: the same call may work a moment later."""

    retryable = False


class SecretsError(PbxError):
    """The file of generated passwords cannot be used."""


class ConfValueError(PbxError):
    """A value cannot be written into an Asterisk configuration file without changing meaning."""


class NoAsteriskError(PbxError):
    """No usable Asterisk is installed."""


class StartError(PbxError):
    """Asterisk did not start; the text carries the end of what it printed."""


class ControlError(PbxError):
    """The running Asterisk does not answer on its control socket."""

    retryable = True


class ManagerError(PbxError):
    """AMI is not reachable, refuses the login, or refuses an action."""
