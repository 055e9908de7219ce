"""What stands in the environment is taken as meant, or refused by name."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from panel.bounce_settings import check_bounces
from panel.env import Environment
from panel.keys import load_or_create_secret
from panel.pace_settings import read_paces
from panel.places import LONGEST_SOCKET_PATH, runtime_folder
from panel.submission_settings import LOOPBACK, check_submission

ROOT = Path(__file__).resolve().parent.parent


def environment(**variables: str) -> Environment:
    return Environment({f"FACTEUR_{name}": value for name, value in variables.items()})


def test_it_takes_an_empty_variable_for_none() -> None:
    assert environment(HOSTNAME=" ").text("HOSTNAME", "host") == "host"


def test_it_reads_a_secret_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("hush\n")
    assert environment(SECRET_KEY_FILE=str(file)).secret("SECRET_KEY") == "hush"


def test_it_refuses_a_secret_that_is_given_twice(tmp_path: Path) -> None:
    both = environment(SECRET_KEY="a", SECRET_KEY_FILE=str(tmp_path / "b"))
    with pytest.raises(ImproperlyConfigured, match="FACTEUR_SECRET_KEY_FILE; keep one"):
        both.secret("SECRET_KEY")


def test_it_refuses_a_secret_file_that_cannot_be_read(tmp_path: Path) -> None:
    missing = environment(SECRET_KEY_FILE=str(tmp_path / "missing"))
    with pytest.raises(ImproperlyConfigured, match="FACTEUR_SECRET_KEY_FILE cannot be read"):
        missing.secret("SECRET_KEY")


@pytest.mark.parametrize("value", ["many", "1.5", "-1", "٣ x"])
def test_it_refuses_what_is_no_number(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="FACTEUR_SWEEP_SECONDS is"):
        environment(SWEEP_SECONDS=value).integer("SWEEP_SECONDS", 60)


def test_it_refuses_a_number_that_is_too_small() -> None:
    with pytest.raises(ImproperlyConfigured, match="it must be at least 2"):
        environment(LEASE_SECONDS="1").integer("LEASE_SECONDS", 60, at_least=2)


@pytest.mark.parametrize(
    ("value", "meant"), [("yes", True), ("ON", True), ("1", True), ("false", False), ("0", False)]
)
def test_it_reads_yes_and_no(value: str, meant: bool) -> None:
    assert environment(X=value).flag("X", not meant) is meant


def test_it_refuses_what_is_neither_yes_nor_no() -> None:
    with pytest.raises(ImproperlyConfigured, match="it must be yes or no"):
        environment(X="maybe").flag("X", True)


def test_it_refuses_what_is_not_among_the_choices() -> None:
    with pytest.raises(ImproperlyConfigured, match="it must be one of simulator, smarthost"):
        environment(ROUTE="pigeon").choice("ROUTE", ("simulator", "smarthost"), "simulator")


def test_it_reads_words_between_commas() -> None:
    assert environment(ALLOWED_HOSTS="a, b,,").words("ALLOWED_HOSTS") == ["a", "b"]


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("127.0.0.1:25", ("127.0.0.1", 25)),
        ("[::1]:587", ("::1", 587)),
        ("mx.example.org:65535", ("mx.example.org", 65535)),
    ],
)
def test_it_reads_addresses(value: str, meant: tuple[str, int]) -> None:
    assert environment(BIND=value).address("BIND", "") == meant


@pytest.mark.parametrize("value", ["8000", ":8000", "host:", "host:0", "host:65536", "host:x"])
def test_it_refuses_what_is_no_address(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="FACTEUR_BIND is"):
        environment(BIND=value).needed_address("BIND", "127.0.0.1:8000")


def test_an_address_may_be_absent() -> None:
    assert environment().address("SMARTHOST", "") is None


@pytest.mark.parametrize("value", ["web3", "web3.Example.org", "xn--exmple-cua.fr"])
def test_it_reads_the_name_of_a_machine(value: str) -> None:
    assert environment(HOSTNAME=value).host("HOSTNAME", "other") == value


def test_the_name_that_a_machine_has_is_believed() -> None:
    assert environment().host("HOSTNAME", "my_machine") == "my_machine"


@pytest.mark.parametrize(
    "value", ["web 3", "a_b", "exämple.fr", ".example", "a..b", "a.", "x" * 64, "a." * 127 + "a"]
)
def test_it_refuses_what_names_no_machine(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="FACTEUR_HOSTNAME is"):
        environment(HOSTNAME=value).host("HOSTNAME", "other")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("FACTEUR_BIND", "nowhere"),
        ("FACTEUR_ROUTE", "smarthost"),
        ("FACTEUR_DATA_DIR", "/proc/data"),
        ("FACTEUR_DATABASE_URL", "mysql://localhost/x"),
        ("FACTEUR_DATABASE_URL", "nonsense"),
        ("FACTEUR_DATABASE_URL", "postgres://facteur@localhost:port/x"),
        ("FACTEUR_DATABASE_URL", "sqlite://"),
        ("FACTEUR_PUBLIC_URL", "panel.example.org"),
        ("FACTEUR_SWEEP_SECONDS", "0"),
        ("FACTEUR_TRUSTED_PROXIES", "proxy.example"),
        ("FACTEUR_REQUIRE_2FA", "some"),
        ("FACTEUR_ADMIN_PREVIEWS", "maybe"),
        ("FACTEUR_SENDER_POLICY", "burn"),
        ("FACTEUR_OWNERS_OVERRULE", "sometimes"),
        ("FACTEUR_SCREENING", "yes"),
        ("FACTEUR_SPAM_MESSAGES", "-1"),
        ("FACTEUR_OUTBOUND_ADDRESSES", "mail.example"),
        ("FACTEUR_DNSBL", "list.example,192.0.2.1/24"),
        ("FACTEUR_CHECK_LINKS", "sometimes"),
        ("FACTEUR_SPF_INCLUDE", "v=spf1 -all"),
        ("FACTEUR_BOUNCE_DOMAIN", "no domain"),
    ],
)
def test_a_command_says_in_one_line_which_setting_is_nonsense(
    variable: str, value: str, tmp_path: Path
) -> None:
    others = {name: text for name, text in os.environ.items() if not name.startswith("FACTEUR_")}
    result = subprocess.run(
        [sys.executable, "manage.py", "ledger"],
        cwd=ROOT,
        env={**others, "FACTEUR_DATA_DIR": str(tmp_path), variable: value},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"Facteur cannot start: {variable} ")


def test_the_secret_is_made_once_and_for_us_alone(tmp_path: Path) -> None:
    path = tmp_path / "secret_key"
    first = load_or_create_secret(path)
    assert len(first) >= 50
    assert load_or_create_secret(path) == first
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret_key"]


def test_sockets_live_elsewhere_when_the_data_lie_too_deep(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    folder = runtime_folder(deep)
    try:
        assert len(os.fsencode(folder / "simulator.sock")) <= LONGEST_SOCKET_PATH
        assert runtime_folder(deep) == folder
    finally:
        folder.rmdir()


def test_a_strangers_folder_is_not_taken_for_sockets(tmp_path: Path) -> None:
    data = tmp_path / "d"
    data.mkdir()
    (data / "run").symlink_to(tmp_path)
    with pytest.raises(ImproperlyConfigured, match="not a folder of our own"):
        runtime_folder(data)


def test_it_reads_where_to_listen() -> None:
    found = environment(X="tls://0.0.0.0:465, [::1]:587").listeners("X")
    assert found == [("0.0.0.0", 465, True), ("::1", 587, False)]
    assert environment().listeners("X") == []


@pytest.mark.parametrize("value", ["465", "tls://host", "http://host:465x", "host:0", "tls:465:"])
def test_it_refuses_to_listen_nowhere(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="FACTEUR_X is"):
        environment(X=value).listeners("X")


@pytest.mark.parametrize(
    ("host", "is_tls", "networks", "is_fine"),
    [
        ("127.0.0.1", False, LOOPBACK, True),
        ("::1", False, LOOPBACK, True),
        ("localhost", False, LOOPBACK, True),
        ("172.18.0.1", False, ("172.18.0.0/16",), True),
        ("172.18.0.1", False, LOOPBACK, False),
        ("0.0.0.0", False, LOOPBACK, False),
        ("::", False, ("fc00::/7",), False),
        ("relay.example", False, LOOPBACK, False),
        ("127.0.0.1", True, LOOPBACK, False),
        ("127.0.0.1", False, ("0.0.0.0/0",), False),
        ("127.0.0.1", False, ("8.8.8.0/24",), False),
        ("127.0.0.1", False, ("::/0",), False),
    ],
)
def test_it_needs_a_certificate_where_strangers_could_listen(
    host: str, is_tls: bool, networks: tuple[str, ...], is_fine: bool
) -> None:
    plain = environment(N=",".join(networks)).networks("N")
    if is_fine:
        check_submission([(host, 465, is_tls)], "", "", plain)
    else:
        with pytest.raises(ImproperlyConfigured, match="FACTEUR_SUBMISSION_"):
            check_submission([(host, 465, is_tls)], "", "", plain)


def test_a_certificate_and_its_key_go_together() -> None:
    check_submission([("0.0.0.0", 465, True)], "c.pem", "k.pem", [])
    with pytest.raises(ImproperlyConfigured, match="go together"):
        check_submission([], "c.pem", "", [])


@pytest.mark.parametrize(
    ("domain", "listeners", "certificate", "why"),
    [
        ("bücher.example", [], "", "BOUNCE_DOMAIN is"),
        ("localhost", [], "", "BOUNCE_DOMAIN is"),
        ("", [("::1", 25, False)], "", "BOUNCE_LISTEN needs"),
        ("back.example", [("::1", 25, True)], "", "begin without TLS"),
        ("back.example", [], "/etc/cert.pem", "set both"),
    ],
)
def test_it_refuses_a_way_back_that_leads_nowhere(
    domain: str, listeners: list[tuple[str, int, bool]], certificate: str, why: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=why):
        check_bounces(domain, listeners, certificate, "")


def test_a_way_back_may_be_another_machines() -> None:
    check_bounces("", [], "", "")
    check_bounces("back.example", [], "", "")
    check_bounces("back.example", [("0.0.0.0", 25, False)], "cert.pem", "key.pem")


def test_it_reads_what_destinations_are_given() -> None:
    words = ["*=10/100", "La Poste=1/20/30", ".Example.org=40/1000/0"]
    assert read_paces(words) == [
        ("la poste", 1, 20, 30),
        ("example.org", 40, 1000, 0),
        ("*", 10, 100, 0),
    ]


@pytest.mark.parametrize("word", ["orange", "orange=0/1", "orange=1", "=1/1", "orange=1/2/x"])
def test_it_refuses_what_no_destination_can_be_given(word: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="FACTEUR_PACE"):
        read_paces([word])
