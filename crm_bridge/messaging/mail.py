"""An e-mail as the standard has it (RFC 5322)."""

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from desk.messages import Message


def mail_of(message: Message, sender: str) -> EmailMessage:
    """The e-mail of a message: the same, id and date included, at every attempt, so that mail
    programs take a second copy for what it is.

    Args:
        sender: `回声 <service@example.cn>` or an address alone.
    """
    address = parseaddr(sender)[1]
    domain = address.partition("@")[2] or "localhost"
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["To"] = message.to
    mail["Subject"] = " ".join(message.subject.split())
    mail["Date"] = format_datetime(message.created_at)
    mail["Message-ID"] = f"<huisheng-{message.id}-{message.created_at:%Y%m%d%H%M%S%f}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
    mail.set_content(message.text)
    return mail
