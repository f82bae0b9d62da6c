"""How many SMS a text is paid as (3GPP TS 23.038, TS 23.040 9.2.3.24.1).

A text of the GSM alphabet alone has 160 characters in one message, 153 in each of several; any
other character, so every Chinese one, makes it UCS-2: 70, or 67 in each of several.
"""

import math

GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENSION = frozenset("\f^{}\\[~]|€")  # two characters each


def segments(text: str) -> int:
    """How many SMS carry the text; at least one."""
    if GSM.issuperset(text) or (GSM | GSM_EXTENSION).issuperset(text):
        length = len(text) + sum(char in GSM_EXTENSION for char in text)
        single, each = 160, 153
    else:
        length = len(text.encode("utf-16-be")) // 2
        single, each = 70, 67
    return 1 if length <= single else math.ceil(length / each)
