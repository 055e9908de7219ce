"""`manage.py checkroute`: what an administrator is told."""

import ssl
from collections.abc import Iterator
from io import StringIO
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from panel.route_settings import read_routes, read_tls_policies
from tests.support.certificates import authority, issued, server_context
from tests.support.nameserver import Nameserver, nameserver
from tests.support.remote import Script, remote

pytestmark = pytest.mark.django_db(transaction=True)


def check(*arguments: str) -> list[str]:
    out = StringIO()
    call_command("checkroute", *arguments, stdout=out)
    return out.getvalue().splitlines()


def refused(*arguments: str) -> list[str]:
    out = StringIO()
    with pytest.raises(CommandError, match="does not go out now"):
        call_command("checkroute", *arguments, stdout=out)
    return out.getvalue().splitlines()


@pytest.fixture
def server(settings: Any) -> Iterator[Nameserver]:
    with nameserver() as known:
        settings.ROUTE, settings.RESOLVERS = "mx", [known.address]
        settings.ALLOW_NETWORKS = [ip_network("127.0.0.0/8")]
        known.add("example.org", "MX", "10 mx.example.org.", "20 none.example.org.")
        known.add("mx.example.org", "A", "127.0.0.2")
        yield known


@pytest.fixture
def secured(tmp_path: Path) -> ssl.SSLContext:
    return server_context(tmp_path, issued("mx.example.org", by=authority()))


def test_it_tells_the_servers_and_what_was_left_out(settings: Any, server: Nameserver) -> None:
    settings.TLS_POLICY = read_tls_policies("example.org required")
    assert check("anna@example.org") == [
        "Mail for example.org:",
        "  MX 10 mx.example.org",
        "  MX 20 none.example.org",
        "  FACTEUR_TLS_POLICY: required",
        "  left out: host not found: none.example.org has no address",
        "It goes to, in this order:",
        "  1. mx.example.org:25 [127.0.0.2], STARTTLS demanded (FACTEUR_TLS_POLICY)",
    ]


def test_it_tells_why_mail_does_not_go(server: Nameserver) -> None:
    server.add("null.example", "MX", "0 .")
    assert refused("null.example")[-1] == (
        "It fails (5.1.10): 556 5.1.10 the domain null.example takes no mail (null MX)"
    )


def test_it_tells_the_smarthost_and_never_its_password(settings: Any) -> None:
    settings.ROUTES = read_routes("example.org smtps://site:hush@smtp.example:465")
    lines = check("example.org")
    assert lines[-2:] == [
        "  1. smtp.example:465 [the system finds its address], TLS from the start demanded, with a"
        " certificate for this name (FACTEUR_ROUTES)",
        "  with the login of site",
    ]
    assert "hush" not in "".join(lines)


def test_it_says_that_nothing_leaves_the_machine() -> None:
    assert check("example.org")[-1].endswith("nothing leaves the machine.")


def test_it_tries_each_server(settings: Any, server: Nameserver, secured: ssl.SSLContext) -> None:
    with remote(Script(tls=secured), host="127.0.0.2") as mx:
        settings.MX_PORT = mx.port
        lines = check("example.org", "--connect")
        assert lines[-2:] == ["Connecting to mx.example.org…", "  yes, TLS: TLSv1.3"]
        settings.TLS_POLICY = read_tls_policies("example.org verified")
        (*_, last) = refused("example.org", "--connect")
    assert last.startswith("  no (4.7.5): mx.example.org[127.0.0.2]:")
    assert "certificate cannot be trusted" in last
    assert mx.messages == []
