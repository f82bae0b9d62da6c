"""Sending messages to customers: one worker per channel, one provider behind it."""

from crm_bridge.messaging.file import FileProvider
from crm_bridge.messaging.messaging import Messaging, providers_of
from crm_bridge.messaging.provider import Provider
from crm_bridge.messaging.sender import Sender
from crm_bridge.messaging.settings import MessagingSettings
from crm_bridge.messaging.smtp import SmtpProvider

__all__ = [
    "FileProvider",
    "Messaging",
    "MessagingSettings",
    "Provider",
    "Sender",
    "SmtpProvider",
    "providers_of",
]
