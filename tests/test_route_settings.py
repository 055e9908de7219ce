"""Routes by domain, TLS by domain and name servers, as an administrator writes them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from panel.route_settings import (
    Smarthost,
    TlsPolicy,
    Way,
    check_authorities,
    check_login,
    read_resolvers,
    read_routes,
    read_smarthost,
    read_tls_policies,
)
from tests.support.certificates import authority

ROOT = Path(__file__).resolve().parent.parent


def test_it_reads_routes() -> None:
    assert read_routes(
        """
        # The client's own server.
        Client.example   10.0.0.5:25
        .client.example  smtp://site:p%40ss%3b@smtp.example:587
        a.example mx; b.example simulator
        c.example refuse   gone for good
        d.example smtps://[2001:db8::1]:465?tls=required
        * refuse
        """
    ) == {
        "client.example": Way(
            "smarthost", Smarthost("10.0.0.5", 25, False, "opportunistic", "", "")
        ),
        ".client.example": Way(
            "smarthost", Smarthost("smtp.example", 587, False, "verified", "site", "p@ss;")
        ),
        "a.example": Way("mx"),
        "b.example": Way("simulator"),
        "c.example": Way("refuse", words="gone for good"),
        "d.example": Way("smarthost", Smarthost("2001:db8::1", 465, True, "required", "", "")),
        "*": Way("refuse"),
    }


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("example.org", "tells nothing for example.org"),
        ("exa mple.org mx", "has for exa what is no way"),
        ("café.example mx", "in ASCII form"),
        ("*.example.org mx", r"\.domain for all below it"),
        ("example.org mx; EXAMPLE.org mx", "has example.org twice"),
        ("example.org lmtp://host:24", "what is no way"),
        ("example.org host", "what is no way"),
        ("example.org host:0", "what is no way"),
        ("example.org host:99999", "what is no way"),
        ("example.org host:25 mx", "what is no way"),
        ("example.org smtp://host:25/path", "what is no way"),
        ("example.org smtp://host:25?tsl=none", "what is no way"),
        ("example.org smtp://site@host:25", "half a login"),
        ("example.org smtp://host:25?tls=maybe", "tls=maybe"),
        ("example.org smtp://site:hush@host:25?tls=none", "in the clear"),
    ],
)
def test_it_refuses_what_is_no_route(text: str, why: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=why) as refused:
        read_routes(text)
    assert "hush" not in str(refused.value)


def test_it_reads_how_much_tls_a_domain_must_give() -> None:
    assert read_tls_policies("a.example none;b.example verified MX.b.example *.c.example") == {
        "a.example": TlsPolicy("none", ()),
        "b.example": TlsPolicy("verified", ("mx.b.example", "*.c.example")),
    }


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a.example encrypt", "must be one of none, opportunistic, required, verified"),
        ("a.example required mx.a.example", "needs the level verified"),
        ("a.example verified a.*.example", "servers are named like"),
    ],
)
def test_it_refuses_what_is_no_tls_policy(text: str, why: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=why):
        read_tls_policies(text)


@given(st.text(max_size=60))
def test_no_text_is_too_strange(text: str) -> None:
    for read in (read_routes, read_tls_policies, read_smarthost):
        try:
            read(f"example.org {text}")
        except ImproperlyConfigured:
            continue


def test_it_reads_the_smarthost() -> None:
    assert read_smarthost("") == (None, False)
    assert read_smarthost("smtp.example:25") == (("smtp.example", 25), False)
    assert read_smarthost("smtps://smtp.example:465") == (("smtp.example", 465), True)
    assert read_smarthost("[2001:db8::1]:25") == (("2001:db8::1", 25), False)


@pytest.mark.parametrize("text", ["smtp.example", "smtp.example:x", "smtp://a:25", "a:b@c:25"])
def test_it_refuses_what_is_no_smarthost(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="must be host:port"):
        read_smarthost(text)


@pytest.mark.parametrize(
    ("host", "level", "is_implicit", "may_be_plain", "is_fine"),
    [
        ("smtp.example", "verified", False, False, True),
        ("smtp.example", "none", True, False, True),
        ("smtp.example", "none", False, True, True),
        ("127.0.0.1", "none", False, False, True),
        ("localhost", "none", False, False, True),
        ("smtp.example", "none", False, False, False),
    ],
)
def test_a_password_goes_out_in_the_clear_only_if_it_may(
    host: str, level: str, is_implicit: bool, may_be_plain: bool, is_fine: bool
) -> None:
    def check() -> None:
        check_login(
            (host, 25),
            user="site",
            password="secret",
            level=level,
            is_implicit=is_implicit,
            may_be_plain=may_be_plain,
        )

    if is_fine:
        check()
    else:
        with pytest.raises(ImproperlyConfigured, match="in the clear"):
            check()


def test_a_login_has_a_name_and_a_password() -> None:
    with pytest.raises(ImproperlyConfigured, match="set both"):
        check_login(
            None, user="site", password="", level="none", is_implicit=False, may_be_plain=False
        )


def test_it_reads_name_servers() -> None:
    words = ["192.0.2.1", "192.0.2.2:5353", "2001:db8::1", "[2001:db8::2]:5353", "[2001:db8::3]"]
    assert read_resolvers(words) == [
        ("192.0.2.1", 53),
        ("192.0.2.2", 5353),
        ("2001:db8::1", 53),
        ("2001:db8::2", 5353),
        ("2001:db8::3", 53),
    ]
    for word in ("dns.example", "192.0.2.1:0", "192.0.2.1:99999", "192.0.2", "[192.0.2.1", ":53"):
        with pytest.raises(ImproperlyConfigured, match="FACTEUR_RESOLVERS"):
            read_resolvers([word])


def test_it_refuses_a_file_that_holds_no_authorities(tmp_path: Path) -> None:
    file = tmp_path / "authorities.pem"
    for content in (None, b"", b"no certificate"):
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(ImproperlyConfigured, match="FACTEUR_TLS_CA_FILE"):
            check_authorities(str(file))
    file.write_bytes(authority().pem)
    check_authorities(str(file))
    check_authorities("")


def test_the_settings_start_with_all_of_it_and_stop_at_nonsense(tmp_path: Path) -> None:
    def start(**variables: str) -> "subprocess.CompletedProcess[str]":
        others = {name: value for name, value in os.environ.items() if "FACTEUR_" not in name}
        ours = {f"FACTEUR_{name}": value for name, value in variables.items()}
        return subprocess.run(
            [sys.executable, "-c", "import panel.settings as s; print(s.SMARTHOST_TLS, s.ROUTES)"],
            cwd=ROOT,
            env={**others, **ours, "FACTEUR_DATA_DIR": str(tmp_path / "data")},
            capture_output=True,
            text=True,
            check=False,
        )

    routes = tmp_path / "routes"
    routes.write_text("example.org mx\n")
    fine = start(
        SMARTHOST="smtps://smtp.example:465",
        SMARTHOST_USER="site",
        SMARTHOST_PASSWORD="hush",
        ROUTES_FILE=str(routes),
    )
    assert fine.returncode == 0, fine.stderr
    assert fine.stdout.startswith("verified {'example.org': Way(kind='mx'")
    for variables in ({"ROUTE": "carrier"}, {"ROUTES": "x"}, {"ALLOW_NETWORKS": "10.0.0.1/8"}):
        refused = start(**variables)
        assert refused.returncode == 1
        assert "ImproperlyConfigured" in refused.stderr
