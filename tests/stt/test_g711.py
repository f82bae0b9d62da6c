"""Telephone codecs: a wrong table would turn every recording into noise."""

import subprocess

import numpy as np
import pytest

from stt.g711 import A_LAW, MU_LAW, decode, over_the_line

CODES = bytes(range(256))


@pytest.mark.parametrize(("table", "name"), [(A_LAW, "a-law"), (MU_LAW, "mu-law")])
def test_every_code_means_what_it_means_to_the_rest_of_the_world(
    table: np.ndarray, name: str
) -> None:
    raw = ["-t", "raw", "-r", "8000", "-c", "1"]
    command = ["sox", *raw, "-e", name, "-", *raw, "-e", "signed", "-b", "16", "-L", "-"]
    theirs = subprocess.run(command, input=CODES, capture_output=True, check=True, timeout=30)
    assert np.array_equal(decode(CODES, table), np.frombuffer(theirs.stdout, "<i2"))


@pytest.mark.parametrize("table", [A_LAW, MU_LAW], ids=["A-law", "µ-law"])
def test_line_keeps_its_own_values_and_moves_others_to_the_nearest(table: np.ndarray) -> None:
    assert np.array_equal(over_the_line(table, table), table)
    every = np.arange(-32768, 32768)
    moved = over_the_line(every, table).astype(np.int32)
    nearest = np.abs(every[:, None] - np.unique(table).astype(np.int32)).min(axis=1)
    assert np.array_equal(np.abs(every - moved), nearest)
