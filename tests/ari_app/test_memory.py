"""Whoever runs the line for months: memory that calls have freed does not stay with the process."""

import ctypes

import psutil
import pytest

from ari_app.memory import give_back

PIECES, BYTES = 4000, 16_000  # below malloc's mmap threshold, so they lie in an arena


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="glibc only")
def test_what_a_busy_hour_took_is_free_for_others_afterwards() -> None:
    libc = ctypes.CDLL(None)
    libc.malloc.argtypes, libc.malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
    libc.free.argtypes = [ctypes.c_void_p]
    process = psutil.Process()
    pieces = [libc.malloc(BYTES) for _ in range(PIECES)]
    for piece in pieces:
        ctypes.memset(piece, 1, BYTES)
    for piece in pieces[:-1]:  # the last one keeps the arena from shrinking by itself
        libc.free(piece)
    large = process.memory_info().rss
    assert give_back()
    assert large - process.memory_info().rss > PIECES * BYTES // 2
    libc.free(pieces[-1])


def test_a_c_library_without_it_is_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ari_app.memory._trim", lambda: None)
    assert not give_back()
