"""The encrypted form: any part can be read alone, and nothing can be changed unnoticed."""

import io
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.recordings.container import (
    CHUNK_BYTES,
    HEADER_BYTES,
    SEALED_BYTES,
    Damaged,
    NoKey,
    Opened,
    Sealer,
)
from desk.recordings.keys import Keys

KEY, OTHER = bytes(range(32)), bytes(range(32, 64))
SIZES = st.one_of(
    st.integers(0, 200),
    st.builds(
        lambda chunks, more: max(0, chunks * CHUNK_BYTES + more),
        st.integers(0, 3),
        st.integers(-2, 2),
    ),
)


def audio(size: int) -> bytes:
    return bytes((at * 7 + at // 251) % 256 for at in range(size))


def sealed(data: bytes, *pieces: int, key: bytes = KEY, name: str = "m-c1") -> bytes:
    sealer = Sealer(key, name)
    cuts = sorted({0, len(data), *(piece % (len(data) + 1) for piece in pieces)})
    parts = [sealer.seal(data[a:b]) for a, b in pairwise(cuts)]
    return sealer.header + b"".join(parts) + sealer.finish()


def opened(file: bytes, keys: Keys | None = Keys(KEY), name: str = "m-c1") -> Opened:  # noqa: B008
    return Opened(io.BytesIO(file), keys, name)


def whole(file: bytes) -> bytes:
    container = opened(file)
    return b"".join(container.blocks(0, container.size))


@settings(deadline=None)
@given(SIZES, st.lists(st.integers(0, 1 << 20), max_size=3), st.integers(0, 1 << 18), st.data())
def test_every_part_of_a_recording_is_what_was_put_in(
    size: int, pieces: list[int], start: int, data: st.DataObject
) -> None:
    plain = audio(size)
    container = opened(sealed(plain, *pieces))
    assert container.size == size
    stop = data.draw(st.integers(start, start + CHUNK_BYTES * 2))
    blocks = list(container.blocks(start, stop))
    assert b"".join(blocks) == plain[start:stop]
    assert all(0 < len(block) <= CHUNK_BYTES for block in blocks)


FILE = sealed(audio(2 * CHUNK_BYTES + 500))


@settings(deadline=None)
@given(st.integers(0, len(FILE) - 1), st.integers(1, 255))
def test_no_byte_can_be_changed_unnoticed(place: int, change: int) -> None:
    edited = bytearray(FILE)
    edited[place] ^= change
    with pytest.raises((Damaged, NoKey)):
        whole(bytes(edited))


@settings(deadline=None)
@given(
    st.one_of(
        st.integers(0, len(FILE) - 1),
        st.sampled_from(
            [HEADER_BYTES, HEADER_BYTES + SEALED_BYTES, HEADER_BYTES + 2 * SEALED_BYTES]
        ),
    )
)
def test_a_file_cut_off_anywhere_is_not_taken_for_a_shorter_recording(length: int) -> None:
    with pytest.raises(Damaged):
        opened(FILE[:length])


def test_bytes_at_the_end_are_noticed() -> None:
    with pytest.raises(Damaged):
        opened(FILE + b"\0")


def test_chunks_cannot_change_places_or_files() -> None:
    head, first, second = (
        FILE[:HEADER_BYTES],
        FILE[HEADER_BYTES : HEADER_BYTES + SEALED_BYTES],
        FILE[HEADER_BYTES + SEALED_BYTES : HEADER_BYTES + 2 * SEALED_BYTES],
    )
    rest = FILE[HEADER_BYTES + 2 * SEALED_BYTES :]
    for edited in (head + second + first + rest, head + first + first + rest, head + second + rest):
        with pytest.raises(Damaged):
            whole(edited)
    same = sealed(audio(2 * CHUNK_BYTES + 500))  # the same audio, key and name
    with pytest.raises(Damaged):
        whole(head + same[HEADER_BYTES : HEADER_BYTES + SEALED_BYTES] + second + rest)


def test_one_callers_recording_cannot_be_passed_off_as_anothers() -> None:
    with pytest.raises(Damaged):
        opened(FILE, name="m-c2")


def test_the_key_may_change_and_old_recordings_stay_readable() -> None:
    assert opened(FILE, Keys(OTHER, (KEY,))).size == 2 * CHUNK_BYTES + 500
    with pytest.raises(NoKey):
        opened(FILE, Keys(OTHER))
    with pytest.raises(NoKey):
        opened(FILE, None)


def test_the_same_audio_twice_looks_different() -> None:
    data = audio(1000)
    assert sealed(data)[HEADER_BYTES:] != sealed(data)[HEADER_BYTES:]
    assert data[:16] not in sealed(data)
