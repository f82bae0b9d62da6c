"""Reads Kaldi's binary format, token by token, independently of the recipe's writer."""

import struct

import numpy as np


class Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def at_end(self) -> bool:
        return self._at == len(self._data)

    def expect(self, *tokens: str) -> None:
        for token in tokens:
            assert self._take(len(token) + 1) == token.encode() + b" "

    def integer(self) -> int:
        return int(self._number("<i"))

    def real(self) -> float:
        return float(self._number("<f"))

    def integers(self) -> list[int]:
        count = self.integer()
        return list(struct.unpack(f"<{count}i", self._take(4 * count)))

    def vector(self) -> np.ndarray:
        self.expect("FV")
        return np.frombuffer(self._take(4 * self.integer()), "<f4")

    def matrix(self) -> np.ndarray:
        self.expect("FM")
        rows, columns = self.integer(), self.integer()
        return np.frombuffer(self._take(4 * rows * columns), "<f4").reshape(rows, columns)

    def until_blank_line(self) -> str:
        end = self._data.index(b"\n\n", self._at)
        return self._take(end + 2 - self._at).decode().strip()

    def skip_component(self) -> None:
        """A nonlinearity: up to the token that closes it."""
        end = self._data.index(b"</", self._at)
        self._take(self._data.index(b" ", end) + 1 - self._at)

    def _number(self, form: str) -> int | float:
        assert self._take(1) == b"\x04"
        value: int | float = struct.unpack(form, self._take(4))[0]
        return value

    def _take(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        assert len(taken) == count
        self._at += count
        return taken
