"""Memory that calls have left free goes back to the operating system.

Recognisers come and go in many threads, and glibc keeps what each of its arenas has freed: the
process stays as large as its busiest minute, piece by piece a little larger (malloc_trim(3)).
"""

import ctypes
from collections.abc import Callable
from functools import cache


def give_back() -> bool:
    """Hand free pages back, in a few milliseconds; False where there were none, or where the C
    library does not know how.
    """
    trim = _trim()
    return trim is not None and trim(0) == 1


@cache
def _trim() -> Callable[[int], int] | None:
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim.argtypes, trim.restype = [ctypes.c_size_t], ctypes.c_int
    return trim
