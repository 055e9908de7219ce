"""« Adresses exclues »: the list of an account, and that of the whole server."""

import re
from datetime import UTC, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from mailqueue import suppressions
from mailqueue.models import HostingAccount, Suppression
from panel import address_lists
from panel.models import AuditEntry, User
from tests.panel.conftest import Browse

BASE = "/web/hosting/boutique.example/exclusions/"
ALERT = re.compile(r'role="status" tabindex="-1"><p>(.*?)</p>')
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def addresses(account: HostingAccount | None) -> list[str]:
    found = Suppression.objects.filter(account=account).order_by("address")
    return [*found.values_list("address", flat=True)]


def test_an_owner_adds_finds_and_removes_addresses(
    browse: Browse, owner: User, account: HostingAccount
) -> None:
    client = browse(owner)
    response = client.post(BASE + "add/", {"addresses": "Ana@example.org\n\nbob@example.org;x"})
    assert response.status_code == 302
    assert addresses(account) == ["ana@example.org", "bob@example.org"]
    html = client.get(BASE).content.decode()
    assert "ana@example.org" in html
    assert "Ajoutée à la main" in html
    html = client.get(BASE + "?q=BOB").content.decode()
    assert "bob@example.org" in html
    assert "ana@example.org" not in html
    client.post(BASE + "remove/", {"address": "ana@example.org"})
    assert addresses(account) == ["bob@example.org"]
    actions = [*AuditEntry.objects.order_by("pk").values_list("action", flat=True)]
    assert actions[-2:] == ["exclude_addresses", "include_address"]


def test_a_file_is_imported_and_bad_lines_are_told(
    browse: Browse, owner: User, account: HostingAccount
) -> None:
    client = browse(owner)
    export = "\ufeffAdresse,Motif\r\n'=x@example.org,\r\nana@example.org,là\r\nno address\r\n"
    file = SimpleUploadedFile("list.csv", export.encode())
    response = client.post(BASE + "add/", {"addresses": "", "file": file})
    assert response.status_code == 400
    html = response.content.decode()
    assert "Ligne 4" in html
    assert "1 ligne ne contient pas d’adresse e-mail" in html
    assert "no address" in html
    assert addresses(account) == ["=x@example.org", "ana@example.org"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_file_is_read_however_a_spreadsheet_wrote_it(
    browse: Browse, owner: User, account: HostingAccount, encoding: str
) -> None:
    content = "ana@example.org;Léa\r\nbad é\r\n".encode(encoding)
    sent = {"file": SimpleUploadedFile("list.csv", content)}
    response = browse(owner).post(BASE + "add/", sent)
    assert "bad é" in response.content.decode()
    assert addresses(account) == ["ana@example.org"]


def test_what_was_added_and_what_was_there_is_told(
    browse: Browse, owner: User, account: HostingAccount
) -> None:
    def told(text: str) -> str:
        response = browse(owner).post(BASE + "add/", {"addresses": text}, follow=True)
        return " ".join(ALERT.findall(response.content.decode()))

    assert told("a@b.example") == "1 adresse a été ajoutée à la liste."
    assert told("a@b.example") == "1 adresse était déjà dans la liste."
    assert told("a@b.example\nb@b.example\nc@b.example") == (
        "2 adresses ont été ajoutées à la liste. 1 adresse était déjà dans la liste."
    )
    assert told("nobody@").startswith("Aucune adresse n’a été ajoutée à la liste. 1 ligne")


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"addresses": "\n \n"},
        {"addresses": "a@b.example\n" * (address_lists.MOST_LINES + 1)},
        {"file": SimpleUploadedFile("big.csv", b"x" * (address_lists.MOST_BYTES + 1))},
    ],
)
def test_what_is_empty_or_too_long_changes_nothing(
    browse: Browse, owner: User, account: HostingAccount, sent: dict[str, str]
) -> None:
    assert browse(owner).post(BASE + "add/", sent).status_code == 400
    assert addresses(account) == []


def test_what_a_list_exports_it_imports(
    browse: Browse, owner: User, account: HostingAccount
) -> None:
    known = ["+tag@example.org", "ana@example.org", "zoé@example.org"]
    suppressions.add(account.pk, known, "moi", NOON)
    response = browse(owner).get(BASE + "export/")
    text = response.getvalue().decode()
    assert address_lists.read(text).addresses == known[:2]
    assert [wrong.number for wrong in address_lists.read(text).wrong] == [4]


def test_a_reader_looks_only(browse: Browse, reader: User, account: HostingAccount) -> None:
    suppressions.add(account.pk, ["ana@example.org"], "moi", NOON)
    html = browse(reader).get(BASE).content.decode()
    assert "ana@example.org" in html
    assert "exclusions/remove/" not in html
    assert "exclusions/add/" not in html


def test_the_list_of_the_server_is_another(
    browse: Browse, administrator: User, account: HostingAccount
) -> None:
    client = browse(administrator)
    client.post("/exclusions/add/", {"addresses": "ana@example.org"})
    assert (addresses(None), addresses(account)) == (["ana@example.org"], [])
    house, mine = (client.get(page).content.decode() for page in ("/exclusions/", BASE))
    assert "ana@example.org" in house
    assert "ana@example.org" not in mine
    # Rules put addresses on the lists of accounts alone.
    assert "pendant 30 jours" in mine
    assert "pendant 30 jours" not in house
    client.post(BASE + "remove/", {"address": "ana@example.org"})
    assert addresses(None) == ["ana@example.org"]
    client.post("/exclusions/remove/", {"address": "ana@example.org"})
    assert addresses(None) == []


def test_a_long_list_has_pages(browse: Browse, owner: User, account: HostingAccount) -> None:
    suppressions.add(account.pk, [f"c{n:03}@example.org" for n in range(120)], "moi", NOON)
    client = browse(owner)
    seen = 0
    page = BASE
    for _ in range(3):
        html = client.get(page).content.decode()
        seen += html.count('name="address"')
        page = BASE + f"?after=c{seen - 1:03}%40example.org"
    assert seen == 120


def test_strange_wishes_break_nothing(browse: Browse, owner: User, account: HostingAccount) -> None:
    client = browse(owner)
    for query in ("?q=%00", "?after=%00", "?q=%25_", "?after=" + "x" * 999):
        assert client.get(BASE + query).status_code == 200
    assert client.post(BASE + "remove/", {"address": "\0"}).status_code == 302
