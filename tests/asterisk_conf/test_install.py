"""Is the right Asterisk chosen, and is it said what a wrong one lacks?"""

from pathlib import Path

import pytest

from asterisk_conf import install
from asterisk_conf.errors import NoAsteriskError
from asterisk_conf.modules import ALL_MODULES, NEEDED_RUNNING


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("Asterisk 22.10.1+dfsg+~cs6.17.60671434-1\n", (22, 10, 1)),
        ("Asterisk 20.6.0~dfsg+~cs6.13.40431414-2build5", (20, 6, 0)),
        ("Asterisk certified/20.7-cert3", (20, 7, 0)),
        ("Asterisk 23.2.0", (23, 2, 0)),
        ("Asterisk 22.8.0-rc1", (22, 8, 0)),
        ("Asterisk GIT-master-1a2b3c", None),
        ("FreeSWITCH 1.10", None),
        ("", None),
    ],
)
def test_versions_are_read_as_packagers_write_them(text: str, version: install.Version | None):
    assert install.parse_version(text) == version


def fake(folder: Path, version: str, without: str = "") -> Path:
    """A system Asterisk as a package lays it out; it can do nothing but tell its version."""
    binary = folder / "sbin" / "asterisk"
    modules = folder / "lib" / "x86_64-linux-gnu" / "asterisk" / "modules"
    data = folder / "share" / "asterisk" / "rest-api"
    for made in (binary.parent, modules, data):
        made.mkdir(parents=True)
    binary.write_text(f"#!/bin/sh\necho 'Asterisk {version}'\n")
    binary.chmod(0o755)
    for name in ALL_MODULES:
        if name != without:
            (modules / f"{name}.so").touch()
    (data / "resources.json").touch()
    return binary


def test_a_configured_asterisk_with_all_features_is_used(tmp_path: Path):
    found = install.find(fake(tmp_path, "22.9.0"))
    assert found.version == (22, 9, 0)
    assert not found.private
    assert not found.tested
    assert found.missing() == ()


def test_the_systems_asterisk_is_used_if_it_lacks_nothing(tmp_path: Path):
    binary = fake(tmp_path, "22.10.1")
    environ = {"PATH": str(binary.parent), "XDG_CACHE_HOME": str(tmp_path / "none")}
    found = install.find(environ=environ)
    assert found.argv_prefix == (str(binary),)
    assert found.tested


@pytest.mark.parametrize(
    ("version", "without", "said"),
    [("20.6.0", "", "version 22.8.0"), ("22.10.1", "chan_websocket", "chan_websocket.so")],
)
def test_an_asterisk_that_lacks_something_is_passed_over_and_told(
    tmp_path: Path, version: str, without: str, said: str
):
    binary = fake(tmp_path, version, without)
    environ = {"PATH": str(binary.parent), "XDG_CACHE_HOME": str(tmp_path / "none")}
    with pytest.raises(NoAsteriskError, match=f"lacks .*{said}.*scripts/setup-asterisk"):
        install.find(environ=environ)
    with pytest.raises(NoAsteriskError, match=r"pbx\.binary.*lacks"):
        install.find(binary, environ)


def test_a_program_that_is_no_asterisk_is_named(tmp_path: Path):
    with pytest.raises(NoAsteriskError, match="does not tell its version"):
        install.find(Path("/bin/true"))
    with pytest.raises(NoAsteriskError, match="cannot be run"):
        install.find(tmp_path / "nothing")


def test_without_any_the_mend_is_one_command(tmp_path: Path):
    environ = {"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    if Path("/usr/sbin/asterisk").exists():
        pytest.skip("this machine has an Asterisk of its own")
    with pytest.raises(NoAsteriskError, match=r"no Asterisk is installed; run scripts/setup"):
        install.find(environ=environ)


def test_a_half_unpacked_private_asterisk_is_not_used(tmp_path: Path):
    (tmp_path / "huisheng" / "asterisk-sid" / "usr").mkdir(parents=True)
    with pytest.raises(NoAsteriskError, match="incomplete"):
        install.find(environ={"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)})


def test_what_must_run_is_what_we_load():
    assert set(NEEDED_RUNNING) <= set(ALL_MODULES)
    assert len(set(ALL_MODULES)) == len(ALL_MODULES)
