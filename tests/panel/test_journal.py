"""« Journal »: what stands in it, who reads it, and how long it is kept."""

import csv
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from ipaddress import ip_network
from typing import Any

import pytest
from django.test.utils import override_settings

from mailqueue.models import HostingAccount
from panel import audit, tasks
from panel.audit import Action, record
from panel.models import AuditEntry, User
from tests.panel.conftest import HTMX, PASSWORD, Browse

pytestmark = pytest.mark.django_db

ALL = "/journal/"
OF_ACCOUNT = "/web/hosting/boutique.example/journal/"
PAGE = "/web/hosting/boutique.example/scripts-emails/"


def text(response: Any) -> str:
    assert response.status_code == 200
    return str(response.content.decode())


def rows() -> list[tuple[str, str, str]]:
    return list(AuditEntry.objects.order_by("pk").values_list("actor", "action", "target"))


def test_administrators_read_of_all_accounts_and_where_from(
    browse: Browse, administrator: User, account: HostingAccount, other: HostingAccount
) -> None:
    record(None, "claire", Action.BLOCK, account)
    record(None, "paul", Action.PURGE, other)
    AuditEntry.objects.update(address="198.51.100.7")
    page = text(browse(administrator).get(ALL))
    for word in ("claire", "paul", "autre.example", "Envoi bloqué", "198.51.100.7"):
        assert word in page


def test_owners_and_readers_read_of_their_account_alone(
    browse: Browse, owner: User, reader: User, account: HostingAccount, other: HostingAccount
) -> None:
    record(None, "admin", Action.PREVIEW, account, "ABC")
    record(None, "paul", Action.PREVIEW, other, "XYZ")
    AuditEntry.objects.update(address="198.51.100.7")
    for user in (owner, reader):
        page = text(browse(user).get(OF_ACCOUNT))
        assert "Message consulté" in page
        assert "admin" in page
        assert "XYZ" not in page
        assert "198.51.100.7" not in page, "where an administrator sits is nobody's business"
        assert text(browse(user).get(OF_ACCOUNT, {"account": "autre.example"})).count("ABC") == 1


def test_a_click_on_the_page_is_kept(
    browse: Browse, owner: User, administrator: User, account: HostingAccount
) -> None:
    browse(owner).post(PAGE + "block/")
    browse(owner).post(PAGE + "block/")
    browse(administrator).post(PAGE + "unblock/")
    assert rows() == [("claire", "block", ""), ("admin", "unblock", "")]
    assert AuditEntry.objects.filter(account=account, address="127.0.0.1").count() == 2


def test_signing_in_is_kept_and_so_is_what_was_tried_in_vain(browse: Browse, owner: User) -> None:
    client = browse(None)
    client.post("/login/", {"login": "claire", "password": "wrong"})
    client.post("/login/", {"login": "<b>" + "x" * 500, "password": "wrong"})
    client.post("/login/", {"login": "claire", "password": PASSWORD})
    new = "another horse, another staple"
    client.post("/password/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    found = rows()
    assert found[0] == ("", "login_failed", "claire")
    assert ("claire", "login", "") in found
    assert found[-1] == ("claire", "change_password", "")
    assert PASSWORD not in str(list(AuditEntry.objects.values()))


def test_what_strangers_typed_is_shown_as_text(browse: Browse, administrator: User) -> None:
    browse(None).post("/login/", {"login": "<script>x", "password": "y"})
    page = text(browse(administrator).get(ALL))
    assert "&lt;script&gt;x" in page
    assert "<script>x" not in page
    record(None, "\0\ud800", Action.LOGIN_FAILED, target="\0" * 400)
    assert browse(administrator).get(ALL).status_code == 200


def test_an_export_of_errors_is_kept(browse: Browse, reader: User, account: HostingAccount) -> None:
    browse(reader).get(PAGE + "errors/export/")
    assert rows() == [("lise", "export_errors", "")]


def test_the_address_behind_a_trusted_proxy_is_kept_and_no_forged_one(
    browse: Browse, owner: User
) -> None:
    headers = {"X-Forwarded-For": "203.0.113.9, 198.51.100.1"}
    browse(owner).post(PAGE + "block/", headers=headers)
    with override_settings(TRUSTED_PROXIES=[ip_network("127.0.0.1")]):
        browse(owner).post(PAGE + "unblock/", headers=headers)
    addresses = AuditEntry.objects.order_by("pk").values_list("address", flat=True)
    assert list(addresses) == ["127.0.0.1", "198.51.100.1"]


def test_filters_narrow_it_and_nonsense_does_not(
    browse: Browse, administrator: User, account: HostingAccount, other: HostingAccount
) -> None:
    record(None, "claire", Action.BLOCK, account, "first")
    record(None, "paul", Action.PURGE, other, "second")
    old = record(None, "claire", Action.UNBLOCK, account, "third")
    AuditEntry.objects.filter(pk=old.pk).update(at=datetime.now(UTC) - timedelta(days=40))
    client = browse(administrator)

    def seen(**query: str) -> list[str]:
        page = text(client.get(ALL, query))
        return [word for word in ("first", "second", "third") if f">{word}<" in page]

    assert seen() == ["first", "second"]
    assert seen(days="90") == ["first", "second", "third"]
    assert seen(actor="CLAIRE") == ["first"]
    assert seen(action="purge") == ["second"]
    assert seen(account="Autre.example") == ["second"]
    assert seen(account="no-such.example") == []
    assert seen(days="-1", before="'; --") == ["first", "second"]


def test_it_comes_in_pages_at_the_same_cost(
    browse: Browse, owner: User, account: HostingAccount, queries: Callable[..., int]
) -> None:
    client = browse(owner)
    record(None, "x", Action.PREVIEW, account, "n000")
    few = queries(lambda: client.get(OF_ACCOUNT))
    for number in range(1, 120):
        record(None, "x", Action.PREVIEW, account, f"n{number:03}")
    assert queries(lambda: client.get(OF_ACCOUNT)) == few
    page = text(client.get(OF_ACCOUNT))
    assert "n119" in page
    assert "n069" not in page
    place = page.split("before=")[1].split('"')[0]
    page = text(client.get(OF_ACCOUNT, {"before": place}))
    assert "n069" in page
    assert "n119" not in page


def test_htmx_gets_the_list_alone(browse: Browse, owner: User, account: HostingAccount) -> None:
    record(None, "x", Action.PREVIEW, account)
    fragment = text(browse(owner).get(OF_ACCOUNT, headers=HTMX))
    assert "Message consulté" in fragment
    assert "<html" not in fragment


@pytest.mark.parametrize("page", [ALL, OF_ACCOUNT])
def test_the_export_has_every_row_and_no_formula(
    browse: Browse, administrator: User, account: HostingAccount, page: str
) -> None:
    for number in range(60):
        record(None, "=1+1", Action.PREVIEW, account, f"@{number}", rows=number)
    response: Any = browse(administrator).get(page + "export/")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    content = b"".join(response.streaming_content).decode("utf-8-sig")
    found = list(csv.reader(StringIO(content)))
    assert len(found) == 62, "a heading, sixty entries, and the export itself"
    assert all(not cell.startswith(("=", "@", "+", "-")) for row in found for cell in row)
    assert found[0][1] == "Qui"
    assert AuditEntry.objects.filter(action="export_journal", actor="admin").count() == 1


def test_the_journal_is_kept_for_a_year(account: HostingAccount) -> None:
    now = datetime.now(UTC)
    for days in (366, 400, 364):
        entry = record(None, "x", Action.BLOCK, account, str(days))
        AuditEntry.objects.filter(pk=entry.pk).update(at=now - timedelta(days=days))
    assert audit.prune(now, limit=1) == 1
    tasks.prune()
    assert [target for _, _, target in rows()] == ["364"]


def test_every_action_has_words(db: None) -> None:
    assert set(audit.words()) == set(Action)
    assert audit.word("no such") == "no such"


def test_details_are_told_in_words(account: HostingAccount) -> None:
    told = audit.detail_words({"role": "owner", "invited_by": "admin", "before": "reader"})
    assert told.replace("\N{NO-BREAK SPACE}", " ") == (
        "rôle : propriétaire, invité par : admin, avant : lecture seule"
    )
    told = audit.detail_words({"hourly_quota": "– → 50", "code": "code", "wrong": None})
    assert told.replace("\N{NO-BREAK SPACE}", " ") == (
        "E-mails par heure : – → 50, code : code, erroné : –"
    )
