"""Administrators add, change, close and reopen hosting accounts."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from mailqueue import accounts, service
from mailqueue.models import HostingAccount, Recipient, StateChange
from panel.models import AuditEntry, User
from tests.panel.conftest import HTMX, Browse, Submit

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/web/hosting/"
ADD = LIST + "add/"
PAGE = LIST + "boutique.example/"
EDIT, CLOSE, REOPEN = PAGE + "edit/", PAGE + "close/", PAGE + "reopen/"
NEW = {
    "service_name": "Neuf.example",
    "uid": "2001",
    "report_to": "moi@neuf.example",
    "language": "en",
    "time_zone": "Indian/Reunion",
}
SAME = {
    "uid": "1001",
    "report_to": "contact@boutique.example",
    "language": "fr",
    "time_zone": "Europe/Paris",
}


def entry() -> AuditEntry:
    return AuditEntry.objects.order_by("-pk")[0]


# --- adding


def test_an_administrator_adds_an_account(browse: Browse, administrator: User) -> None:
    client = browse(administrator)
    response = client.post(ADD, NEW, follow=True)
    assert response.redirect_chain == [(LIST + "neuf.example/", 302)]
    assert "L’hébergement neuf.example est ajouté." in response.content.decode()
    made = HostingAccount.objects.get(service_name="neuf.example")
    assert (made.uid, made.report_to) == (2001, "moi@neuf.example")
    assert (made.language, made.time_zone) == ("en", "Indian/Reunion")
    assert (entry().action, entry().actor, entry().account) == ("add_account", "admin", made)
    assert (entry().target, entry().details) == ("neuf.example", {"uid": 2001})


def test_an_account_may_have_neither_user_nor_address(browse: Browse, administrator: User) -> None:
    client = browse(administrator)
    client.post(ADD, NEW | {"uid": "", "report_to": ""})
    assert HostingAccount.objects.get().uid is None
    assert "a besoin d’un jeton" in client.get(LIST + "neuf.example/").content.decode()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("service_name", "boutique.example", "existe déjà"),
        ("service_name", "no domain", "pas un nom de domaine"),
        ("service_name", "add", "pas un nom de domaine"),
        ("service_name", "", "obligatoire"),
        ("service_name", "a\0b.example", "caractère nul"),
        ("uid", "1001", "appartient à l’hébergement boutique.example"),
        ("uid", "-1", "supérieure ou égale à 0"),
        ("uid", "4294967295", "inférieure ou égale"),
        ("uid", "9" * 400, "inférieure ou égale"),
        ("uid", "x", "nombre entier"),
        ("report_to", "nobody", "adresse"),
        ("report_to", "a@b.example\nBcc: c@d.example", "adresse"),
        ("language", "tlh", "choix valide"),
        ("time_zone", "Mars/Olympus", "choix valide"),
        ("time_zone", "", "obligatoire"),
    ],
)
def test_nonsense_is_told_at_its_field_and_adds_nothing(
    browse: Browse,
    administrator: User,
    account: HostingAccount,
    field: str,
    value: str,
    words: str,
) -> None:
    response = browse(administrator).post(ADD, NEW | {field: value})
    text = response.content.decode()
    assert response.status_code == 400
    assert words in text[text.index(f'id="id_{field}_error"') :].partition("</ul>")[0]
    assert 'aria-invalid="true"' in text
    assert HostingAccount.objects.count() == 1
    assert not AuditEntry.objects.exists()


def test_an_empty_form_is_told_what_it_lacks(browse: Browse, administrator: User) -> None:
    assert browse(administrator).post(ADD).status_code == 400


def test_the_form_offers_all_time_zones_and_both_languages(
    browse: Browse, administrator: User
) -> None:
    text = browse(administrator).get(ADD).content.decode()
    assert text.count("<option") > 400
    assert '<option value="Europe/Paris" selected>' in text
    assert '<option value="fr" selected>Français' in text
    assert '<option value="localtime"' not in text


def test_what_was_typed_is_shown_escaped(browse: Browse, administrator: User) -> None:
    text = browse(administrator).post(ADD, NEW | {"service_name": '"><script>x'}).content.decode()
    assert "&quot;&gt;&lt;script&gt;x" in text
    assert "<script>x" not in text


def test_the_list_leads_administrators_to_the_form(
    browse: Browse, administrator: User, owner: User
) -> None:
    assert f'href="{ADD}"' in browse(administrator).get(LIST).content.decode()
    assert f'href="{ADD}"' not in browse(owner).get(LIST).content.decode()


# --- changing


def test_limits_are_changed_and_told(
    browse: Browse, administrator: User, owner: User, account: HostingAccount
) -> None:
    client = browse(administrator)
    values = SAME | {"hourly_quota": "1500", "daily_quota": "0", "hold_hours": "24", "uid": ""}
    response = client.post(EDIT, values, follow=True)
    assert "Les modifications sont enregistrées." in response.content.decode()
    account.refresh_from_db()
    assert (account.hourly_quota, account.daily_quota, account.hold_hours) == (1500, 0, 24)
    assert (account.uid, account.fast_limit) == (None, None)
    assert (entry().action, entry().account) == ("change_account", account)
    assert entry().details == {
        "uid": "1001 → –",
        "hourly_quota": "– → 1500",
        "daily_quota": "– → 0",
        "hold_hours": "– → 24",
    }
    text = browse(owner).get(PAGE).content.decode()
    assert "1\N{NARROW NO-BREAK SPACE}500 e-mails" in text.replace(
        "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}"
    )
    assert "24\N{NO-BREAK SPACE}heures" in text
    assert text.count("propre à cet hébergement") == 3


def test_an_emptied_limit_is_the_houses_again(
    browse: Browse, administrator: User, account: HostingAccount
) -> None:
    accounts.change(account.pk, hourly_quota=7)
    client = browse(administrator)
    assert 'name="hourly_quota" value="7"' in client.get(EDIT).content.decode()
    client.post(EDIT, SAME | {"hourly_quota": ""})
    account.refresh_from_db()
    assert account.hourly_quota is None


def test_the_default_stands_where_nothing_is_set(
    browse: Browse, administrator: User, account: HostingAccount, settings: object
) -> None:
    settings.HOURLY_QUOTA, settings.FAST_FACTOR = 200, 3  # type: ignore[attr-defined]
    settings.ERROR_LIMIT = 0  # type: ignore[attr-defined]
    accounts.change(account.pk, hourly_quota=50)
    text = browse(administrator).get(EDIT).content.decode().replace("\N{NO-BREAK SPACE}", " ")
    fields = {
        name: text[text.index(f'name="{name}"') :].partition(">")[0]
        for name in ("hourly_quota", "fast_limit", "error_limit", "hold_hours")
    }
    assert 'placeholder="par défaut : 200"' in fields["hourly_quota"]
    # Three times its own quota.
    assert 'placeholder="par défaut : 150"' in fields["fast_limit"]
    assert 'placeholder="sans limite"' in fields["error_limit"]
    assert 'placeholder="par défaut : 72"' in fields["hold_hours"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("hourly_quota", "-1"),
        ("daily_quota", "10000001"),
        ("bounce_percent", "101"),
        ("hold_hours", "0"),
        ("hold_hours", "721"),
        ("hold_limit", "1e3"),
        ("uid", "1002"),
        ("time_zone", "x"),
    ],
)
def test_a_nonsensical_change_changes_nothing(
    browse: Browse,
    administrator: User,
    account: HostingAccount,
    other: HostingAccount,
    field: str,
    value: str,
) -> None:
    response = browse(administrator).post(EDIT, SAME | {"report_to": "", field: value})
    assert response.status_code == 400
    assert f'id="id_{field}_error"' in response.content.decode()
    account.refresh_from_db()
    assert (account.report_to, account.uid) == ("contact@boutique.example", 1001)
    assert not AuditEntry.objects.exists()


def test_a_change_to_the_same_is_none(browse: Browse, administrator: User, account: object) -> None:
    response = browse(administrator).post(EDIT, SAME, follow=True)
    assert "Rien n’a été changé." in response.content.decode()
    assert not AuditEntry.objects.exists()


def test_a_zone_that_is_in_no_list_stays_unless_it_is_changed(
    browse: Browse, administrator: User, account: HostingAccount
) -> None:
    HostingAccount.objects.update(time_zone="localtime")
    client = browse(administrator)
    assert '<option value="localtime" selected>' in client.get(EDIT).content.decode()
    client.post(EDIT, SAME)
    account.refresh_from_db()
    assert account.time_zone == "Europe/Paris"


# --- limits, for those who look


def test_a_reader_sees_limits_and_no_button(
    browse: Browse, reader: User, account: HostingAccount
) -> None:
    accounts.change(account.pk, bounce_percent=0, error_limit=30)
    text = browse(reader).get(PAGE).content.decode()
    assert "E-mails par heure" in text
    assert "sans limite" in text
    for address in (EDIT, CLOSE, REOPEN, PAGE + "tokens/"):
        assert f'href="{address}"' not in text


# --- closing and reopening


def test_closing_says_first_what_it_means(
    browse: Browse, administrator: User, account: object
) -> None:
    response = browse(administrator).get(CLOSE)
    assert "mail() renvoie false" in response.content.decode()
    assert HostingAccount.objects.get().closed_at is None


def test_closing_blocks_and_reopening_leaves_blocked(
    browse: Browse, administrator: User, account: HostingAccount, submit: Submit
) -> None:
    submit(timezone.now())
    client = browse(administrator)
    response = client.post(CLOSE, follow=True)
    assert "L’hébergement est fermé." in response.content.decode()
    account.refresh_from_db()
    assert (account.state, account.closed_at is None) == ("ko", False)
    assert Recipient.objects.get().status == "held"
    assert StateChange.objects.get().actor == "admin"
    assert (entry().action, entry().account) == ("close_account", account)
    assert "Fermé" in client.get(PAGE).content.decode()

    assert client.get(REOPEN).status_code == 200
    response = client.post(REOPEN, follow=True)
    assert "L’hébergement est rouvert." in response.content.decode()
    account.refresh_from_db()
    assert (account.state, account.closed_at) == ("ko", None)
    assert entry().action == "reopen_account"


@pytest.mark.parametrize("method", ["get", "post"])
def test_what_cannot_be_done_says_why(
    browse: Browse, administrator: User, account: HostingAccount, method: str
) -> None:
    client = browse(administrator)
    response = getattr(client, method)(REOPEN)
    assert response.status_code == 409
    assert "n’est pas fermé" in response.content.decode()

    HostingAccount.objects.update(state="purging")
    response = getattr(client, method)(CLOSE)
    assert response.status_code == 409
    assert "Une purge est en cours" in response.content.decode()

    HostingAccount.objects.update(state="ok")
    accounts.close(account.pk, "admin", timezone.now())
    response = getattr(client, method)(CLOSE)
    assert response.status_code == 409
    assert "déjà fermé" in response.content.decode()
    assert not AuditEntry.objects.exists()


def test_the_owner_of_a_closed_account_looks_and_changes_nothing(
    browse: Browse, owner: User, administrator: User, account: HostingAccount
) -> None:
    accounts.close(account.pk, "admin", timezone.now())
    client = browse(owner)
    text = client.get(PAGE + "scripts-emails/").content.decode()
    assert "Fermé" in text
    assert "Cet hébergement est fermé" in text
    assert "mail() renvoie false" in text
    assert "sont conservés dans la file d’attente" not in text
    assert client.post(PAGE + "scripts-emails/unblock/").status_code == 403
    assert client.get(PAGE + "report-address/").status_code == 403
    account.refresh_from_db()
    assert account.state == "ko"
    assert browse(administrator).post(PAGE + "scripts-emails/unblock/").status_code == 409
    assert browse(administrator).post(PAGE + "scripts-emails/purge/").status_code == 302


def test_the_list_shows_closed_accounts_when_asked(
    browse: Browse, administrator: User, owner: User, account: HostingAccount, other: HostingAccount
) -> None:
    client = browse(administrator)
    assert "hébergements fermés" not in client.get(LIST).content.decode()
    accounts.close(account.pk, "admin", timezone.now())
    text = client.get(LIST).content.decode()
    assert "boutique.example" not in text
    assert 'href="?closed=1"' in text
    text = client.get(LIST, {"closed": "1", "q": "e", "sort": "-sent"}).content.decode()
    assert "boutique.example" in text
    assert "autre.example" in text
    assert text.count('<span class="badge state-closed">Fermé</span>') == 1
    assert '<input type="hidden" name="closed" value="1">' in text
    assert 'href="?q=e&amp;sort=-sent"' in text
    assert 'href="?q=e&amp;sort=sent&amp;closed=1"' in text
    # Searching goes on among them.
    text = client.get(LIST, {"closed": "1", "q": "bou"}, headers=HTMX).content.decode()
    assert "boutique.example" in text
    assert "boutique.example" not in browse(owner).get(LIST).content.decode()
    assert "boutique.example" in browse(owner).get(LIST, {"closed": "1"}).content.decode()


# --- who, and how


@pytest.mark.parametrize("address", [EDIT, CLOSE, REOPEN])
def test_who_is_no_administrator_changes_nothing(
    browse: Browse,
    owner: User,
    reader: User,
    outsider: User,
    account: HostingAccount,
    address: str,
) -> None:
    for user in (owner, reader, outsider):
        assert browse(user).post(address, SAME | {"uid": "7"}).status_code == 403
    assert browse(None).post(address).status_code == 302
    after = HostingAccount.objects.get(pk=account.pk)
    assert (after.uid, after.closed_at) == (1001, None)


def test_only_administrators_add(browse: Browse, owner: User) -> None:
    assert browse(owner).post(ADD, NEW).status_code == 403
    assert browse(None).post(ADD, NEW).status_code == 302
    assert HostingAccount.objects.count() == 1


@pytest.mark.parametrize("name", ["edit", "close", "reopen"])
def test_a_missing_account_or_the_panels_own_is_none(
    browse: Browse, administrator: User, name: str
) -> None:
    accounts.system(timezone.now())
    client = browse(administrator)
    for account in ("nobody.example", accounts.SYSTEM_NAME):
        assert client.get(f"{LIST}{account}/{name}/").status_code == 404
        assert client.post(f"{LIST}{account}/{name}/").status_code == 404


@pytest.mark.parametrize("address", [ADD, EDIT, CLOSE, REOPEN])
def test_other_methods_are_refused(
    browse: Browse, administrator: User, account: HostingAccount, address: str
) -> None:
    response = browse(administrator).put(address)
    assert response.status_code == 405
    assert response["Allow"] == "GET, POST, HEAD"


@pytest.mark.parametrize("address", [ADD, EDIT, CLOSE])
def test_htmx_gets_the_same_pages(
    browse: Browse, administrator: User, account: HostingAccount, address: str
) -> None:
    response = browse(administrator).get(address, headers=HTMX)
    assert response.status_code == 200
    assert "<main" in response.content.decode()


def test_more_accounts_make_no_more_queries_for_a_form(
    browse: Browse,
    administrator: User,
    account: HostingAccount,
    queries: Callable[[Callable[[], object]], int],
) -> None:
    client = browse(administrator)
    few = [queries(lambda: client.get(address)) for address in (EDIT, PAGE, LIST)]  # noqa: B023
    now = timezone.now()
    for number in range(20):
        made = accounts.create(f"site{number}.example", now - timedelta(days=1))
        if number % 2:
            service.block(made.pk, "admin", now)
    # The list asks once more, whether there are closed ones or not.
    assert [queries(lambda: client.get(address)) for address in (EDIT, PAGE, LIST)] == few  # noqa: B023
