"""Messages to customers by SMS and e-mail, and their answers. The desk writes, the bridge sends."""

from desk.messages.message import MOST_TEXT, Channel, Message, NewMessage, State
from desk.messages.put import get, of_ticket, put

__all__ = [
    "MOST_TEXT",
    "Channel",
    "Message",
    "NewMessage",
    "State",
    "get",
    "of_ticket",
    "put",
]
