"""E-mail through an SMTP server (RFC 5321), by aiosmtplib. One connection per message: a desk sends
few, and a connection that idles is one that breaks.
"""

import asyncio
from email.utils import parseaddr

import aiosmtplib
from aiosmtplib import SMTP

from crm_bridge.messaging.mail import mail_of
from crm_bridge.messaging.settings import SmtpSettings
from desk.messages import Message
from desk.messages.sending import Later, Refused, Result, Sent, Unknown

_MOST_SHOWN = 300


class SmtpProvider:
    """Sends by one server."""

    name = "smtp"

    def __init__(self, settings: SmtpSettings, password: str) -> None:
        self._settings = settings
        self._password = password

    @property
    def deadline_seconds(self) -> float:
        """How long an attempt may take."""
        return self._settings.deadline_seconds

    async def send(self, message: Message) -> Result:
        """Hand the message to the server. Only what fails while its content is on the way leaves
        it unknown whether the server has it."""
        settings, content_on_its_way = self._settings, False
        client = SMTP(
            hostname=settings.host,
            port=settings.port,
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
            timeout=settings.deadline_seconds,
        )
        mail = mail_of(message, settings.sender)
        try:
            async with asyncio.timeout(settings.deadline_seconds):
                await client.connect()
                if settings.username:
                    await client.login(settings.username, self._password)
                await client.mail(parseaddr(settings.sender)[1])
                await client.rcpt(message.to)
                content_on_its_way = True
                answer = await client.data(bytes(mail))
            if answer.code != 250:
                return _said(answer.code, answer.message)
            return Sent(str(mail["Message-ID"]))
        except aiosmtplib.SMTPAuthenticationError as error:
            return Later(
                f"{settings.host} refuses our login ({error.message}); see HUISHENG_SMTP_PASSWORD"
            )
        except aiosmtplib.SMTPResponseException as error:
            return _said(error.code, error.message)
        except aiosmtplib.SMTPRecipientsRefused as error:
            return _said(error.recipients[0].code, error.recipients[0].message)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            told = f"{settings.host}: {type(error).__name__}: {error}"[:_MOST_SHOWN]
            return Unknown(told) if content_on_its_way else Later(told)
        finally:
            client.close()

    async def aclose(self) -> None:
        """Nothing stays open."""


def _said(code: int, words: str) -> Result:
    """What the server's answer means: 5xx is for good, 4xx for now (RFC 5321, 4.2.1). An answer
    about the sender or the session (530, 535, 552 …) is not about this message: it waits until
    somebody mends it."""
    told = f"SMTP {code} {words}"[:_MOST_SHOWN]
    return Refused(told) if code in (550, 551, 553, 554) else Later(told)
