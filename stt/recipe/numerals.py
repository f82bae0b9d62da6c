"""Spoken numbers, times and telephone numbers, as the words of the language model.

Numbers up to ninety-nine, round hundreds and thousands, and small counts with their measure word
are single words (三天, 四十五, 两千): alone, their characters sound like too much else.
"""

from collections.abc import Callable
from random import Random

UNITS = "零一二三四五六七八九"
SPAN_MEASURES = ("天", "个月", "年", "个星期", "周", "小时", "个小时", "分钟", "个工作日")
COUNT_MEASURES = (
    "个",
    "台",
    "件",
    "次",
    "部",
    "套",
    "张",
    "遍",
    "条",
    "块",
    "点",
    "位",
    "种",
    "米",
)
COUNTS = "一两三四五六七八九十几半"
MONTHS = 12


def below_hundred(n: int) -> str:
    """0 … 99 as it stands alone: 7 → 七, 12 → 十二, 45 → 四十五."""
    tens, units = divmod(n, 10)
    if tens == 0:
        return UNITS[units]
    return (UNITS[tens] if tens > 1 else "") + "十" + (UNITS[units] if units else "")


def cardinal(n: int) -> list[str]:
    """1 … 99,999 as words: 2408 → 两千 四百 零 八."""
    words = []
    pending_zero = False
    for value, name in ((10_000, "万"), (1_000, "千"), (100, "百")):
        count, n = divmod(n, value)
        if count:
            words += ["零"] if pending_zero else []
            words.append(("两" if count == 2 else UNITS[count]) + name)
        pending_zero = bool(words) and not count and n > 0
    if n:
        if words and (n < 10 or pending_zero):
            words.append("零")
        # 一百一十五, but 十五
        words.append("一" + below_hundred(n) if words and 10 <= n < 20 else below_hundred(n))
    return words


def lexical() -> list[str]:
    """Every word that the functions below can say, in a fixed order."""
    words = [below_hundred(n) for n in range(100)] + ["幺"]
    words += ["一" + below_hundred(n) for n in range(10, 20)]
    words += [count + name for name in "百千万" for count in "一两三四五六七八九"]
    words += [count + measure for measure in SPAN_MEASURES + COUNT_MEASURES for count in COUNTS]
    words += [below_hundred(n) + "月" for n in range(1, MONTHS + 1)]
    words += [below_hundred(n) + "号" for n in range(1, 32)]
    words += [_hour(n) for n in range(1, 25)]
    words += ["分钟", "天", "年", "半", "多", "好几天", "很久", "很长时间", "大半年", "一年多"]
    words += ["半天", "一会儿"]
    return list(dict.fromkeys(words))


def _hour(n: int) -> str:
    return ("两" if n == 2 else below_hundred(n)) + "点"


def _number(rng: Random) -> list[str]:
    low, high = rng.choice([(1, 20), (1, 99), (100, 999), (1000, 9999), (100, 2999)])
    return cardinal(rng.randint(low, high))


def _round_number(rng: Random) -> list[str]:
    count = rng.randint(1, 99)
    return cardinal(count * rng.choice((10, 100, 100)) if count < 100 else count)


def _digits(rng: Random) -> list[str]:
    one = rng.choice("一幺")
    spoken = UNITS.replace("一", one) if rng.random() < 0.9 else UNITS + "幺"
    return [rng.choice(spoken) for _ in range(rng.choice((3, 4, 4, 5, 6, 7, 8, 8, 10, 12)))]


def _mobile(rng: Random) -> list[str]:
    one = rng.choice("一幺幺")
    spoken = UNITS.replace("一", one)
    return [one, rng.choice("三五七八九")] + [rng.choice(spoken) for _ in range(9)]


def _land_line(rng: Random) -> list[str]:
    code = rng.choice(("零二二", "零二二", "零幺零", "零二幺", "零三一一", "零五三一", ""))
    spoken = UNITS.replace("一", rng.choice("一幺"))
    return list(code) + [rng.choice("二五六八")] + [rng.choice(spoken) for _ in range(7)]


def _span(rng: Random) -> list[str]:
    kind = rng.random()
    if kind < 0.7:
        return [rng.choice(COUNTS) + rng.choice(SPAN_MEASURES)]
    if kind < 0.9:
        return [below_hundred(rng.randint(11, 60)), rng.choice(("分钟", "天", "天"))]
    return [rng.choice(("好几天", "很久", "很长时间", "大半年", "一年多", "半天", "一会儿"))]


def _clock(rng: Random) -> list[str]:
    hour = [_hour(rng.choice((8, 9, 9, 10, 12, 1, 2, 3, 5, 6, 17, 18, 21, rng.randint(1, 24))))]
    if rng.random() < 0.15:
        hour.append(below_hundred(rng.choice((10, 15, 20, 40, 45, 50))))
    return hour


def _date(rng: Random) -> list[str]:
    month = [below_hundred(rng.randint(1, MONTHS)) + "月"]
    year = [*"二零二", rng.choice("三四五六"), "年"] if rng.random() < 0.15 else []
    return year + month + _day(rng)


def _day(rng: Random) -> list[str]:
    return [below_hundred(rng.randint(1, 31)) + "号"]


def _small(rng: Random) -> list[str]:
    return [below_hundred(rng.randint(1, 20))]


def _quantity(rng: Random) -> list[str]:
    return [rng.choice(COUNTS[:-1]) + rng.choice(COUNT_MEASURES)]


SPOKEN: dict[str, Callable[[Random], list[str]]] = {
    "number": _number,
    "roundnumber": _round_number,
    "smallnumber": _small,
    "digits": _digits,
    "phone": _mobile,
    "landline": _land_line,
    "span": _span,
    "clock": _clock,
    "date": _date,
    "day": _day,
    "quantity": _quantity,
}
"""Slot name → words of a random example."""
