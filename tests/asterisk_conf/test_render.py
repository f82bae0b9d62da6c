"""Can a value in config.yaml change the meaning of the configuration around it?"""

import configparser
import re
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from asterisk_conf.errors import ConfValueError
from asterisk_conf.paths import Paths
from asterisk_conf.render import conf_value, dialplan_word, render, render_snippets, write
from asterisk_conf.secrets import Secrets
from asterisk_conf.settings import PbxSettings

PATHS = Paths.under(Path("/srv/huisheng"), Path("/usr/lib/asterisk/modules"))
SECRETS = Secrets("ari-pass", "ami-pass", {"8001": "phone-pass"}, {"hotline": "p;w#1 = > x"})
SETTINGS = {
    "line_numbers": ["4001234567", "+862287654321"],
    "trunks": [
        {"kind": "ip", "name": "carrier", "hosts": ["203.0.113.0/28", "198.51.100.7"]},
        {
            "kind": "registration",
            "name": "hotline",
            "server": "sip.example.cn",
            "username": "4001234567",
            "trust_caller_id": False,
        },
    ],
    "agents": [{"extension": "8001", "name": "张敏", "team": "tianjin"}],
}


def rendered(**overrides: object) -> dict[str, str]:
    return render(PbxSettings.model_validate({**SETTINGS, **overrides}), SECRETS, PATHS)


def contexts(text: str) -> dict[str, list[str]]:
    """Context → its lines, comments left out."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if header := re.match(r"\[(.+)\]$", line):
            found[header[1]] = []
        elif line.strip() and not line.lstrip().startswith(";"):
            found[list(found)[-1]].append(line.strip())
    return found


def test_the_dialplan_has_these_contexts_and_includes_only():
    plan = contexts(rendered()["extensions.conf"])
    assert list(plan) == [
        "general",
        "from-trunk",
        "agents",
        "huisheng-numbers",
        "huisheng-line",
        "huisheng-ended",
        "huisheng-agent-gone",
        "huisheng-back",
        "huisheng-callback",
        "huisheng-outbound",
        "huisheng-fallback",
        "huisheng-told",
        "huisheng-say",
        "huisheng-agents",
    ]
    assert plan["from-trunk"] == ["include => huisheng-numbers"]
    assert plan["agents"] == ["include => huisheng-agents"]
    includes = {name: [x for x in lines if "include" in x] for name, lines in plan.items()}
    assert includes["huisheng-agents"] == ["include => huisheng-numbers"]
    assert not any(includes[name] for name in plan if name.startswith("huisheng-l"))


def test_no_line_of_the_dialplan_names_a_trunk_or_runs_a_program():
    text = "\n".join(
        line for lines in contexts(rendered()["extensions.conf"]).values() for line in lines
    )
    for forbidden in ("carrier", "hotline", "System(", "SHELL(", "TrySystem", "EVAL(", "@"):
        assert forbidden not in text
    assert re.findall(r"Dial\(([^)]*)\)", text) == ["PJSIP/8001,20"]


def test_every_published_number_leads_to_the_line_and_nowhere_else():
    numbers = contexts(rendered()["extensions.conf"])["huisheng-numbers"]
    assert all(
        re.fullmatch(r"exten => \+?\d+,1,Goto\(huisheng-line,(4001234567|862287654321),1\)", line)
        for line in numbers
    )
    assert "exten => 02287654321,1,Goto(huisheng-line,862287654321,1)" in numbers
    assert len(numbers) == 10


def test_a_trunk_is_known_by_address_alone_and_may_not_transfer():
    text = rendered()["pjsip.conf"]
    for name in ("carrier", "hotline"):
        endpoint = text.split(f"[{name}]\ntype = endpoint")[1].split("\n[")[0]
        assert "identify_by = ip\n" in endpoint
        assert "allow_transfer = no\n" in endpoint
        assert "send_connected_line = no\n" in endpoint
        assert "context = from-trunk\n" in endpoint
    assert "anonymous" not in text


def test_a_registration_trunks_password_keeps_its_semicolon():
    assert r"password = p\;w#1 = > x" in rendered()["pjsip.conf"]


def test_http_and_manager_are_on_loopback_whatever_sip_listens_on():
    files = rendered(sip={"bind": "0.0.0.0", "port": 5060})  # noqa: S104 - what is tested
    assert "bind = 0.0.0.0:5060" in files["pjsip_transport.conf"]
    for name in ("http.conf", "manager.conf"):
        assert re.findall(r"^bindaddr = (.*)$", files[name], re.MULTILINE) == ["127.0.0.1"]


def test_manager_users_can_run_no_command_and_start_no_call():
    written = re.search(r"^write = (.*)$", rendered()["manager.conf"], re.MULTILINE)
    assert written is not None
    assert set(written[1].split(",")).isdisjoint({"all", "command", "originate", "config", "user"})


def test_a_missing_trunk_password_names_the_variable_to_set():
    with pytest.raises(ConfValueError, match="HUISHENG_TRUNK_HOTLINE_PASSWORD"):
        render(PbxSettings.model_validate(SETTINGS), Secrets("a", "b", {"8001": "c"}), PATHS)


@pytest.mark.parametrize("folder", ["/srv/a,b", "/srv/$(id)", "/srv/a;b", '/srv/"x"', "/srv/a\nb"])
def test_a_path_that_asterisk_would_misread_is_refused(folder: str):
    paths = Paths.under(Path(folder), Path("/usr/lib/asterisk/modules"))
    with pytest.raises(ConfValueError, match="state_dir"):
        render(PbxSettings.model_validate(SETTINGS), SECRETS, paths)


HOSTILE = [
    "a\nexten => _X.,1,Dial(PJSIP/1@carrier)",
    "a\r\nb",
    "a\x00b",
    "a\x85b",
    " a",
    "a ",
    "> a",
    "a\\",
    "x" * 1001,
]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_that_cannot_be_escaped_is_refused(value: str):
    with pytest.raises(ConfValueError):
        conf_value(value)


@given(st.text())
def test_no_value_ever_ends_its_line_or_starts_a_comment(value: str):
    try:
        text = str(conf_value(value))
    except ConfValueError:
        return
    assert len(text.splitlines()) <= 1
    assert not re.search(r"(?<!\\);", text)
    assert text.replace("\\;", ";") == value


@given(st.text(alphabet=st.characters(), min_size=1))
def test_only_plain_words_enter_the_dialplan(value: str):
    try:
        dialplan_word(value)
    except ConfValueError:
        return
    assert not set(value) & set("${}[]()&@|,;:!=<>\"'\\`^%\n\r\0")


@pytest.mark.parametrize(
    "change",
    [
        {"agents": [{"extension": "8001", "name": 'x" <1>', "team": "a"}]},
        {"agents": [{"extension": "8001", "name": "a,b", "team": "a"}]},
        {"agents": [{"extension": "8001", "name": "a\n[b]", "team": "a"}]},
        {"agents": [{"extension": "80a1", "name": "a", "team": "a"}]},
        {"agents": [{"extension": "8001", "name": "a", "team": "a", "contact": "sip:x@y\nz"}]},
        {"agents": [{"extension": "8001", "name": "a", "team": "a"}] * 2},
        {"trunks": [{"kind": "ip", "name": "a]b", "hosts": ["127.0.0.1"]}]},
        {"trunks": [{"kind": "ip", "name": "a", "hosts": ["127.0.0.1\nmatch=0.0.0.0/0"]}]},
        {"trunks": [{"kind": "ip", "name": "a", "hosts": ["1.2.3.4;5"]}]},
        {"trunks": [{"kind": "ip", "name": "a", "hosts": []}]},
        {"trunks": [{"kind": "registration", "name": "a", "server": "x y", "username": "u"}]},
        {"trunks": [{"kind": "registration", "name": "a", "server": "x", "username": "u@v"}]},
        {"trunks": [{"kind": "ip", "name": "a", "hosts": ["127.0.0.1"]}] * 2},
        {"line_numbers": ["_X."]},
        {"line_numbers": ["400,1,Dial"]},
        {"line_numbers": []},
        {"line_numbers": ["4001234567", "4001234567"]},
        {"line_numbers": ["8001"]},
        {"application": "a,b"},
        {"system_name": "a b"},
        {"rtp": {"first": 20001, "last": 30000}},
        {"rtp": {"first": 20000, "last": 20002}},
        {"sip": {"bind": "localhost"}},
    ],
)
def test_settings_refuse_what_is_no_name_number_or_address(change: dict[str, object]):
    with pytest.raises(ValidationError):
        PbxSettings.model_validate({**SETTINGS, **change})


def test_files_with_passwords_are_for_the_owner_and_unchanged_ones_stay(tmp_path: Path):
    folder = tmp_path / "etc"
    files = rendered()
    assert sorted(write(files, folder)) == sorted(files)
    assert write(files, folder) == []
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert write({**files, "rtp.conf": "x"}, folder) == ["rtp.conf"]


def test_snippets_keep_their_names_apart_from_the_administrators():
    files = render_snippets(PbxSettings.model_validate(SETTINGS), SECRETS)
    assert all(name.startswith("huisheng-") for name in contexts(files["extensions_huisheng.conf"]))
    assert "hotline" not in "".join(files.values())
    for name in ("ari_huisheng.conf", "manager_huisheng.conf"):
        parsed = configparser.ConfigParser(comment_prefixes=(";",))
        parsed.read_string(files[name])
        assert parsed.sections() == ["huisheng"]


def test_every_inserted_value_passes_the_gate():
    """A template cannot switch the gate off: `safe` and raw markup are not used."""
    folder = Path(__file__).parents[2] / "asterisk_conf"
    for template in [*folder.glob("templates/*.j2"), *folder.glob("snippets/*.j2")]:
        text = template.read_text()
        assert "|safe" not in text.replace(" ", "")
        assert "{% raw" not in text
