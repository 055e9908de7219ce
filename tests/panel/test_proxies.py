"""Forwarded headers: believed from trusted proxies only, whoever else writes them."""

from ipaddress import ip_network
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.test.utils import override_settings

from panel.env import Environment
from panel.proxies import client_address, forwarded_scheme
from tests.panel.conftest import Browse

PROXIES = [ip_network("10.0.0.0/24"), ip_network("2001:db8::1")]


def request(peer: str, forwarded: str = "", **headers: Any) -> HttpRequest:
    if forwarded:
        headers["HTTP_X_FORWARDED_FOR"] = forwarded
    return RequestFactory().get("/", REMOTE_ADDR=peer, **headers)


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.1", "192.0.2.1"),
        ("10.0.0.5", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.5", "203.0.113.9, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.5", "203.0.113.9, 198.51.100.1, 10.0.0.7", "198.51.100.1"),
        ("10.0.0.5", "10.0.0.9, 10.0.0.7", "10.0.0.9"),
        ("10.0.0.5", "198.51.100.1, nonsense", "10.0.0.5"),
        ("10.0.0.5", "nonsense, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.5", ",,,", "10.0.0.5"),
        ("10.0.0.5", "1.2.3.4," * 5000, "10.0.0.5"),
        ("::ffff:10.0.0.5", "::ffff:198.51.100.1", "198.51.100.1"),
        ("2001:db8::1", "2001:db8::7", "2001:db8::7"),
        ("", "198.51.100.1", ""),
    ],
)
def test_the_rightmost_address_that_is_no_proxy_counts(
    peer: str, forwarded: str, client: str
) -> None:
    with override_settings(TRUSTED_PROXIES=PROXIES):
        assert client_address(request(peer, forwarded)) == client


def test_without_trusted_proxies_nobody_is_believed() -> None:
    assert client_address(request("127.0.0.1", "198.51.100.1")) == "127.0.0.1"


@pytest.mark.parametrize(
    ("peer", "scheme", "is_secure"),
    [
        ("10.0.0.5", "https", True),
        ("10.0.0.5", "HTTPS ", True),
        ("10.0.0.5", "gopher", False),
        ("192.0.2.1", "https", False),
        ("", "https", False),
    ],
)
def test_the_scheme_is_believed_from_proxies_only(peer: str, scheme: str, is_secure: bool) -> None:
    seen: list[bool] = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(request.is_secure())
        return HttpResponse()

    with override_settings(TRUSTED_PROXIES=PROXIES):
        forwarded_scheme(view)(request(peer, HTTP_X_FORWARDED_PROTO=scheme))
    assert seen == [is_secure]


@pytest.mark.django_db
def test_throttling_goes_by_the_true_address(browse: Browse) -> None:
    def statuses(**headers: str) -> list[int]:
        client = browse(None)
        return [
            client.post("/login/", {"login": str(n), "password": "x"}, headers=headers).status_code
            for n in range(31)
        ]

    # Forged: the peer is no proxy of ours, so a new address each time would not help either.
    assert statuses(**{"X-Forwarded-For": "198.51.100.1"})[-1] == 429
    with override_settings(TRUSTED_PROXIES=[ip_network("127.0.0.1")]):
        assert statuses(**{"X-Forwarded-For": "198.51.100.1"})[:30] == [200] * 30
        assert (
            browse(None)
            .post(
                "/login/",
                {"login": "x", "password": "x"},
                headers={"X-Forwarded-For": "198.51.100.2"},
            )
            .status_code
            == 200
        )


def test_settings_take_addresses_and_networks_only() -> None:
    def networks(value: str) -> list[str]:
        found = Environment({"FACTEUR_P": value}).networks("P")
        return [str(network) for network in found]

    assert networks("10.0.0.5, 2001:db8::/64") == ["10.0.0.5/32", "2001:db8::/64"]
    assert networks("") == []
    for nonsense in ("proxy.example", "10.0.0.1/8", "10.0.0.0/33", "*"):
        with pytest.raises(ImproperlyConfigured, match="FACTEUR_P must hold"):
            networks(nonsense)
