"""One process per line: a second one must not serve the same calls."""

import multiprocessing
from pathlib import Path

import pytest

from ari_app import ownership
from ari_app.ownership import LineTakenError, StateFolderError, is_owned, sole_owner


def _hold(folder: Path, ready: "multiprocessing.synchronize.Event") -> None:
    with sole_owner(folder):
        ready.set()
        multiprocessing.Event().wait(60)


def test_a_second_process_is_refused_and_a_killed_one_leaves_no_lock(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Event()
    first = spawn.Process(target=_hold, args=(tmp_path, ready))
    first.start()
    try:
        assert ready.wait(30)
        assert is_owned(tmp_path)
        with pytest.raises(LineTakenError, match="stop it first"), sole_owner(tmp_path):
            pass
    finally:
        first.kill()
        first.join()
    with sole_owner(tmp_path):
        pass


def test_looking_neither_makes_nor_keeps_anything(tmp_path: Path) -> None:
    assert not is_owned(tmp_path / "none")
    assert not (tmp_path / "none").exists()
    with sole_owner(tmp_path):
        assert is_owned(tmp_path)
    assert not is_owned(tmp_path)


def test_a_look_at_the_moment_of_a_start_does_not_refuse_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Doctor holds the lock for the moment of its look."""
    looking = [True]
    real = ownership.fcntl.flock

    def flock(descriptor: int, how: int) -> None:
        if looking.pop() if looking else False:
            raise BlockingIOError
        real(descriptor, how)

    monkeypatch.setattr(ownership.fcntl, "flock", flock)
    with sole_owner(tmp_path):
        pass


def test_a_state_folder_that_cannot_be_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "var").touch()
    with (
        pytest.raises(StateFolderError, match="state_dir"),
        sole_owner(tmp_path / "var"),
    ):
        pass
