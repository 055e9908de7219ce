"""« Changer le destinataire »: nothing changes before the new address has said yes."""

import re
from collections.abc import Callable, Iterator

import pytest
from django.test import Client
from django.test.utils import override_settings

from mailqueue import queue
from mailqueue.models import HostingAccount, Recipient
from panel.models import User
from tests.panel.conftest import Browse

pytestmark = pytest.mark.django_db(transaction=True)

FORM = "/web/hosting/boutique.example/report-address/"
NEW = "rapports@boutique.example"


@pytest.fixture(autouse=True)
def _real_letters() -> Iterator[None]:
    """pytest-django puts a backend of its own before ours."""
    with override_settings(EMAIL_BACKEND="panel.mail.QueueBackend"):
        yield


def report_to(account: HostingAccount) -> str:
    return HostingAccount.objects.get(pk=account.pk).report_to


def letter() -> str:
    """The newest letter, its soft line breaks undone."""
    row = Recipient.objects.order_by("-pk")[0]
    content = queue.content_of(row.message_id)
    assert content is not None
    return content.decode().replace("=\r\n", "").replace("=3D", "=")


@pytest.fixture
def ask(browse: Browse, owner: User) -> Callable[[str], Client]:
    """Asks for an address as the owner."""

    def send(address: str) -> Client:
        client = browse(owner)
        client.post(FORM, {"address": address})
        return client

    return send


def link() -> str:
    found = re.search(r"http://[^/\s]+(/report-address/\S+)", letter())
    assert found is not None
    return found[1]


def test_the_new_address_gets_a_link_and_reports_stay_where_they_are(
    account: HostingAccount, ask: Callable[[str], Client]
) -> None:
    page = ask(NEW).get("/web/hosting/boutique.example/scripts-emails/")
    assert NEW in page.content.decode()
    row = Recipient.objects.get()
    assert (row.address, row.account.is_system) == (NEW, True)
    assert report_to(account) == "contact@boutique.example"


def test_following_the_link_shows_and_confirming_changes(
    account: HostingAccount, ask: Callable[[str], Client], browse: Browse
) -> None:
    ask(NEW)
    stranger = browse(None)
    assert NEW in stranger.get(link()).content.decode()
    assert report_to(account) == "contact@boutique.example", "a scanner that follows links"
    assert stranger.post(link()).status_code == 200
    assert report_to(account) == NEW


def test_a_link_works_once(
    account: HostingAccount, ask: Callable[[str], Client], browse: Browse
) -> None:
    ask(NEW)
    first = link()
    ask("autre@boutique.example")
    second = link()
    browse(None).post(second)
    assert browse(None).post(first).status_code == 410
    assert browse(None).post(second).status_code == 410
    assert report_to(account) == "autre@boutique.example"


@pytest.mark.parametrize("token", ["x", "a:b:c", "eyJhIjoxfQ:1abcde:zzzz"])
def test_a_forged_link_is_refused(token: str, account: HostingAccount, browse: Browse) -> None:
    assert browse(None).post(f"/report-address/{token}/").status_code == 410
    assert report_to(account) == "contact@boutique.example"


@pytest.mark.parametrize(
    "address", ["", "nobody", "a@b.example\nBcc: c@d.example", "a" * 300 + "@b.example"]
)
def test_what_is_no_address_is_said(
    address: str, account: HostingAccount, owner: User, browse: Browse
) -> None:
    response = browse(owner).post(FORM, {"address": address})
    assert response.status_code == 400
    assert "aria-invalid" in response.content.decode()
    assert not Recipient.objects.exists()


def test_letters_are_throttled(account: HostingAccount, ask: Callable[[str], Client]) -> None:
    for number in range(8):
        ask(f"a{number}@boutique.example")
    assert Recipient.objects.count() == 5


def test_a_hostile_address_is_shown_as_text(
    account: HostingAccount, ask: Callable[[str], Client]
) -> None:
    page = ask('"<script>x"@boutique.example').get("/web/hosting/boutique.example/scripts-emails/")
    assert b"<script>x" not in page.content


def test_readers_may_not_ask(reader: User, browse: Browse) -> None:
    assert browse(reader).post(FORM, {"address": NEW}).status_code == 403
    assert not Recipient.objects.exists()
