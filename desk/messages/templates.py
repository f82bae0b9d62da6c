"""The company's messages: from a template's name and a ticket to a text that can be sent."""

from collections.abc import Mapping
from dataclasses import dataclass

from desk.errors import NotFound
from desk.messages.message import Channel
from desk.messages.rendering import EMAIL_TIMES, FIELDS, SIGNATURE, rendered, value_of
from desk.messages.settings import Language, MessageSettings

_CHINESE = ("+86", "+852", "+853", "+886")


class NoSuchTemplate(NotFound):
    """There is no message of this name, or not for this channel."""

    error_id = "no-such-message-template"


@dataclass(frozen=True, slots=True)
class Text:
    """A message's words. `fields`: what filled them, each as it was shown."""

    subject: str
    text: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Templates:
    """All messages of a company."""

    settings: MessageSettings
    company: str

    def has(self, name: str, channel: Channel) -> bool:
        """Whether there is this message for this channel."""
        found = self.settings.all_templates.get(name)
        return (
            found is not None and (found.sms if channel is Channel.SMS else found.email) is not None
        )

    def names(self, channel: Channel) -> list[str]:
        """The names of all messages for a channel."""
        return sorted(name for name in self.settings.all_templates if self.has(name, channel))

    def language(self, channel: Channel, to: str) -> Language:
        """The language for a recipient: English for numbers abroad, else the configured one."""
        abroad = channel is Channel.SMS and to.startswith("+") and not to.startswith(_CHINESE)
        return "en" if abroad else self.settings.language

    def text(
        self,
        name: str,
        channel: Channel,
        fields: Mapping[str, str],
        language: Language | None = None,
    ) -> Text:
        """The message, filled. An SMS begins with the signature.

        Raises:
            NoSuchTemplate: there is none of this name for this channel.
        """
        if not self.has(name, channel):
            raise NoSuchTemplate(
                f"there is no {channel} template {name!r}; choose from"
                f" {', '.join(self.names(channel))}, or add it to messages.templates"
            )
        template = self.settings.all_templates[name]
        spoken = language or self.settings.language
        filled = {**fields, "company": self.company}
        shown = {key: value_of(filled.get(key, ""), most) for key, most in FIELDS.items()}
        if channel is Channel.SMS:
            signature = SIGNATURE.format(self.settings.signature or self.company[:20])
            words = template.sms.of(spoken) if template.sms else ""
            return Text("", signature + rendered(words, filled), shown)
        words = template.email.of(spoken) if template.email else ""
        subject = template.subject.of(spoken) if template.subject else ""
        return Text(rendered(subject, filled), rendered(words, filled, EMAIL_TIMES), shown)
