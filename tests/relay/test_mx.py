"""Which way mail for a domain goes, by the settings."""

from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from mailqueue.outcomes import Outcome, Result
from panel.route_settings import read_routes
from relay.mx import route_for
from relay.routes import Hop, Level, Login, Route, Tls
from tests.support.loop import run
from tests.support.nameserver import Nameserver, nameserver

pytestmark = pytest.mark.django_db(transaction=True)


def route(domain: str) -> Route | Outcome:
    return run(route_for(domain))


@pytest.fixture
def server(settings: Any) -> Iterator[Nameserver]:
    """The name server of the route `mx`."""
    with nameserver() as known:
        settings.RESOLVERS = [known.address]
        settings.ALLOW_NETWORKS = [ip_network("127.0.0.0/8")]
        known.add("example.org", "MX", "10 mx.example.org.")
        known.add("mx.example.org", "A", "127.0.0.2")
        yield known


def test_without_a_route_mail_stays_here(settings: Any) -> None:
    assert route("example.org") == Route("simulator", socket=Path(settings.SIMULATOR_SOCKET))


def test_a_smarthost_takes_mail_for_all(settings: Any) -> None:
    settings.ROUTE, settings.SMARTHOST = "smarthost", ("smtp.example", 25)
    assert (
        route("example.org")
        == route("[192.0.2.1]")
        == Route("smtp.example", (Hop("smtp.example", 25),))
    )


def test_a_smarthost_has_its_login_and_its_tls(settings: Any) -> None:
    settings.ROUTE, settings.SMARTHOST = "smarthost", ("smtp.example", 465)
    settings.SMARTHOST_IS_SMTPS, settings.SMARTHOST_TLS = True, "verified"
    settings.SMARTHOST_USER, settings.SMARTHOST_PASSWORD = "site", "secret"
    answer = route("example.org")
    assert isinstance(answer, Route)
    assert answer.login == Login("site", "secret")
    assert answer.hops[0].tls == Tls(Level.VERIFIED, is_implicit=True)


def test_mail_goes_to_the_servers_of_its_domain(settings: Any, server: Nameserver) -> None:
    settings.ROUTE, settings.MX_PORT = "mx", 2525
    assert route("example.org") == Route(
        "mx.example.org", (Hop("mx.example.org", 2525, ("127.0.0.2",)),)
    )
    # What was learnt is kept for the life of the process.
    asked = len(server.asked)
    assert isinstance(route("example.org"), Route)
    assert len(server.asked) == asked


def test_domains_have_ways_of_their_own(settings: Any, server: Nameserver) -> None:
    settings.ROUTE, settings.MX_PORT = "mx", 25
    settings.ROUTES = read_routes(
        "client.example 127.0.0.5:2525\n"
        ".client.example smtps://site:p%40ss@smtp.example:465?tls=required\n"
        "test.example simulator\n"
        ".old.example refuse These addresses are gone\n"
        "xn--caf-dma.example refuse\n"
    )
    assert route("client.example") == Route("127.0.0.5", (Hop("127.0.0.5", 2525),))
    assert route("a.client.example") == Route(
        "smtp.example",
        (Hop("smtp.example", 465, tls=Tls(Level.REQUIRED, is_implicit=True)),),
        login=Login("site", "p@ss"),
    )
    assert route("Test.Example") == Route("simulator", socket=Path(settings.SIMULATOR_SOCKET))
    assert route("a.old.example") == Outcome(Result.FAILED, "These addresses are gone", "5.7.1")
    refused = route("café.example")
    assert isinstance(refused, Outcome)
    assert refused.status == "5.7.1"
    assert isinstance(route("example.org"), Route)
    settings.ROUTE, settings.SMARTHOST = "smarthost", ("smtp.example", 25)
    settings.ROUTES = read_routes("example.org mx")
    answer = route("example.org")
    assert isinstance(answer, Route)
    assert answer.name == "mx.example.org"
