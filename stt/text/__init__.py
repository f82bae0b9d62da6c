"""What a call's words say: its digest, its numbers, and the words that recognisers mishear."""

from stt.text.digest import (
    EXTRACTIVE,
    Classifier,
    Digest,
    Digester,
    Extractive,
    Label,
    digest_of,
    of_message,
)
from stt.text.lexicon import Gloss, Lexicon
from stt.text.numbers import Found
from stt.text.said import CALLER, Said

__all__ = [
    "CALLER",
    "EXTRACTIVE",
    "Classifier",
    "Digest",
    "Digester",
    "Extractive",
    "Found",
    "Gloss",
    "Label",
    "Lexicon",
    "Said",
    "digest_of",
    "of_message",
]
