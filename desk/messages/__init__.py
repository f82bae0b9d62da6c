"""Messages to customers by SMS and e-mail, and their answers. The desk writes, the bridge sends."""

from desk.messages.message import MOST_TEXT, Asks, Channel, Message, NewMessage, State
from desk.messages.optouts import OptOut, opt_in, opt_out, opted_out
from desk.messages.put import get, of_ticket, put
from desk.messages.received import Outcome, Reply, received
from desk.messages.settings import MessageSettings
from desk.messages.telling import address_of, tell
from desk.messages.templates import NoSuchTemplate, Templates

__all__ = [
    "MOST_TEXT",
    "Asks",
    "Channel",
    "Message",
    "MessageSettings",
    "NewMessage",
    "NoSuchTemplate",
    "OptOut",
    "Outcome",
    "Reply",
    "State",
    "Templates",
    "address_of",
    "get",
    "of_ticket",
    "opt_in",
    "opt_out",
    "opted_out",
    "put",
    "received",
    "tell",
]
