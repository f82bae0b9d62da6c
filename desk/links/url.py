"""Where a link leads."""

from desk.links.settings import LinkSettings

PATH = "/l/"


def url(settings: LinkSettings, token: str) -> str:
    """The address that a customer opens, like `https://hui.example.cn/l/…`.

    Raises:
        ValueError: no public address is configured; ask `settings.sendable` before.
    """
    if not settings.sendable:
        raise ValueError("links.base_url is empty in config.yaml; links cannot be sent")
    return settings.base_url.rstrip("/") + PATH + token
