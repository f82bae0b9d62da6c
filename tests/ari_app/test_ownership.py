"""One process per line: a second one must not serve the same calls."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ari_app import ownership
from ari_app.ownership import (
    LineTakenError,
    StateFolderError,
    is_owned,
    is_wanted,
    sole_owner,
    take_over,
)


def _hold(folder: Path, ready: "multiprocessing.synchronize.Event") -> None:
    with sole_owner(folder):
        ready.set()
        multiprocessing.Event().wait(60)


def _hold_until_asked(folder: Path, ready: "multiprocessing.synchronize.Event") -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {ownership.HAND_OVER})
    with sole_owner(folder):
        ready.set()
        while signal.sigwait({ownership.HAND_OVER}) and not is_wanted(folder):
            pass


def test_a_second_process_is_refused_and_a_killed_one_leaves_no_lock(tmp_path: Path) -> None:
    with _process(_hold, tmp_path):
        assert is_owned(tmp_path)
        with pytest.raises(LineTakenError, match="stop it first"), sole_owner(tmp_path):
            pass
    with sole_owner(tmp_path):
        pass


def test_owner_that_is_asked_leaves_the_line_to_who_asks(tmp_path: Path) -> None:
    with _process(_hold_until_asked, tmp_path) as owner:
        take_over(tmp_path, 20)
        assert not is_owned(tmp_path)
        assert not is_wanted(tmp_path)
        owner.join(20)
        assert owner.exitcode == 0
    take_over(tmp_path, 0)  # there is nobody to ask


def test_owner_that_is_frozen_is_not_killed_but_named_and_goes_on_once_it_can(
    tmp_path: Path,
) -> None:
    """Its request waits in the kernel; by the time it is heard nobody wants the line any more."""
    with _process(_hold_until_asked, tmp_path) as owner:
        assert owner.pid is not None
        os.kill(owner.pid, signal.SIGSTOP)
        with pytest.raises(LineTakenError) as told:
            take_over(tmp_path, 0.3)
        os.kill(owner.pid, signal.SIGCONT)
        owner.join(0.5)
        assert is_owned(tmp_path)
    assert "stopped (SIGSTOP)" in str(told.value)
    assert f"kill -CONT {owner.pid}" in str(told.value)
    assert f"kill -KILL {owner.pid}" in str(told.value)


def test_two_that_want_the_line_do_not_both_ask_for_it(tmp_path: Path) -> None:
    with (
        _process(_hold, tmp_path),
        ownership._held(tmp_path, ownership.HEIR_LOCK),
        pytest.raises(LineTakenError, match="is taking over"),
    ):
        take_over(tmp_path, 1)


@contextmanager
def _process(
    work: Callable[[Path, Any], None], folder: Path
) -> Iterator[multiprocessing.process.BaseProcess]:
    """A process that serves the line in `folder`; killed at the end."""
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Event()
    process = spawn.Process(target=work, args=(folder, ready))
    process.start()
    try:
        assert ready.wait(30)
        yield process
    finally:
        process.kill()
        process.join()


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
