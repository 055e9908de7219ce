"""Refusals and failures: clear, in our layout, and as a fragment for htmx."""

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from mailqueue.models import HostingAccount
from panel import urls
from panel.models import User
from tests.panel.conftest import HTMX, Browse

pytestmark = pytest.mark.django_db


def _broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("secret detail")


urlpatterns = [*urls.urlpatterns, path("broken/", _broken)]
handler400, handler403 = urls.handler400, urls.handler403
handler404, handler500 = urls.handler404, urls.handler500


@pytest.mark.urls(__name__)
def test_a_failure_tells_no_detail(administrator: User) -> None:
    client = Client(raise_request_exception=False, headers={"Accept-Language": "fr"})
    client.force_login(administrator)
    response = client.get("/broken/")
    assert response.status_code == 500
    assert "Une erreur s’est produite de notre côté" in response.content.decode()
    assert "secret" not in response.content.decode()
    fragment = client.get("/broken/", headers=HTMX)
    assert fragment.status_code == 500
    assert fragment["HX-Retarget"] == "#alerts"


def test_an_unknown_page_is_told_inside_and_outside(browse: Browse, owner: User) -> None:
    for user in (owner, None):
        response = browse(user).get("/nowhere/")
        assert response.status_code == 404
        assert "Page introuvable" in response.content.decode()
        assert ('class="side"' in response.content.decode()) == (user is not None)


def test_a_fragment_goes_where_alerts_stand(
    browse: Browse, reader: User, account: HostingAccount
) -> None:
    address = "/web/hosting/boutique.example/scripts-emails/block/"
    response = browse(reader).post(address, headers=HTMX)
    text = response.content.decode()
    assert response.status_code == 403
    assert response["HX-Retarget"] == "#alerts"
    assert response["HX-Reswap"] == "innerHTML"
    assert "Vous pouvez consulter cet hébergement, mais pas le modifier." in text
    assert "<html" not in text


def test_a_missing_token_changes_nothing(owner: User, account: HostingAccount) -> None:
    client = Client(enforce_csrf_checks=True, headers={"Accept-Language": "fr"})
    client.force_login(owner)
    address = "/web/hosting/boutique.example/scripts-emails/block/"
    page, fragment = client.post(address), client.post(address, headers=HTMX)
    for response in (page, fragment):
        assert response.status_code == 403
        assert "Ce formulaire n’est plus valable" in response.content.decode()
    assert fragment["HX-Retarget"] == "#alerts"
    assert HostingAccount.objects.get(pk=account.pk).state == "ok"


@pytest.mark.parametrize("name", ["%00", "a%00b", "x" * 300, "%ff", "..", "boutique.example%0a"])
def test_nonsense_for_a_name_is_not_found(browse: Browse, administrator: User, name: str) -> None:
    assert browse(administrator).get(f"/web/hosting/{name}/scripts-emails/").status_code == 404


def test_a_strange_host_is_refused_in_our_layout(browse: Browse) -> None:
    response = browse(None).get("/login/", headers={"Host": "evil.example"})
    assert response.status_code == 400
