"""Who may open what: every address of the panel, for every kind of user."""

from datetime import UTC, date, datetime

import pytest
import zstandard
from django.conf import settings
from django.test import Client
from django.urls import URLPattern
from django.utils import timezone

from mailqueue.domains import ascii_name
from mailqueue.models import (
    AccountToken,
    Body,
    CaseSample,
    HostingAccount,
    Message,
    Probe,
    Script,
    SigningKey,
    SimulatedMessage,
    SpamCase,
    StateChange,
)
from panel import trial
from panel.models import DailyReport, User
from panel.urls import urlpatterns
from tests.panel.conftest import HTMX, Browse
from tests.support.judged import pronounce

ROLES = ("stranger", "outsider", "reader", "owner", "administrator")
BASE = "/web/hosting/boutique.example/"
PAGE = BASE + "scripts-emails/"
DOMAIN = BASE + "domains/boutique.example/"
SCRIPT = BASE + "scripts/" + "a" * 64 + "/"
HOUSE = ascii_name(settings.HOSTNAME)

# For each name of an address: the method, the address, and the status for each of ROLES.
# 302 leads the stranger to the login page, unless the address is for everybody.
FOR_ALL = (302, 200, 200, 200, 200)
OF_ACCOUNT = (302, 404, 200, 200, 200)
OF_ADMINISTRATORS = (302, 403, 403, 403, 200)
TABLE = {
    "home": [("GET", "/", (302, 302, 302, 302, 302))],
    "account_login": [("GET", "/login/", (200, 302, 302, 302, 302))],
    "account_logout": [("GET", "/logout/", FOR_ALL)],
    "account_signup": [("GET", "/signup/", (200, 302, 302, 302, 302))],
    "account_inactive": [("GET", "/closed/", (200, 200, 200, 200, 200))],
    "account_change_password": [("GET", "/password/", FOR_ALL)],
    "account_reset_password": [("GET", "/password/reset/", (200, 200, 200, 200, 200))],
    "account_reset_password_done": [("GET", "/password/reset/sent/", (200, 200, 200, 200, 200))],
    # The link itself is the right; this one is forged.
    "account_reset_password_from_key": [
        ("GET", "/password/reset/1-x-y/", (200, 200, 200, 200, 200))
    ],
    "account_reset_password_from_key_done": [
        ("GET", "/password/reset/done/", (200, 200, 200, 200, 200))
    ],
    # Who has signed in a while ago is asked for the password before; nobody here has a factor.
    "account_reauthenticate": [("GET", "/reauthenticate/", FOR_ALL)],
    "mfa_index": [("GET", "/2fa/", FOR_ALL)],
    "mfa_authenticate": [("GET", "/2fa/code/", (302, 302, 302, 302, 302))],
    "mfa_reauthenticate": [("GET", "/2fa/reauthenticate/", (302, 302, 302, 302, 302))],
    "mfa_activate_totp": [("GET", "/2fa/on/", (302, 302, 302, 302, 302))],
    "mfa_deactivate_totp": [("GET", "/2fa/off/", (302, 404, 404, 404, 404))],
    "mfa_view_recovery_codes": [("GET", "/2fa/recovery/", (302, 404, 404, 404, 404))],
    "mfa_generate_recovery_codes": [("GET", "/2fa/recovery/new/", (302, 302, 302, 302, 302))],
    "mfa_download_recovery_codes": [("GET", "/2fa/recovery/download/", (302, 404, 404, 404, 404))],
    "set_language": [("POST", "/language/", (302, 302, 302, 302, 302))],
    "accounts": [("GET", "/web/hosting/", FOR_ALL)],
    "account": [("GET", BASE, OF_ACCOUNT)],
    "account_add": [("GET", "/web/hosting/add/", OF_ADMINISTRATORS)],
    "account_edit": [("GET", BASE + "edit/", OF_ADMINISTRATORS)],
    "account_close": [("GET", BASE + "close/", OF_ADMINISTRATORS)],
    # It is not closed.
    "account_reopen": [("GET", BASE + "reopen/", (302, 403, 403, 403, 409))],
    "tokens": [("GET", BASE + "tokens/", OF_ADMINISTRATORS)],
    "token_revoke": [("GET", BASE + "tokens/1/revoke/", OF_ADMINISTRATORS)],
    "domains": [("GET", BASE + "domains/", OF_ACCOUNT)],
    "domain_add": [("POST", BASE + "domains/add/", (302, 403, 403, 403, 400))],
    "domain_policy": [("POST", BASE + "domains/senders/", (302, 403, 403, 403, 302))],
    "domain": [
        ("GET", DOMAIN, OF_ACCOUNT),
        ("GET", BASE + "domains/autre.example/", (302, 404, 404, 404, 404)),
    ],
    # It is no added one.
    "domain_remove": [("GET", DOMAIN + "remove/", (302, 403, 403, 403, 404))],
    "key_make": [("POST", DOMAIN + "keys/", (302, 403, 403, 403, 400))],
    "key_step": [
        # It is active.
        ("GET", DOMAIN + "keys/1/activate/", (302, 403, 403, 403, 409)),
        ("GET", DOMAIN + "keys/1/retire/", OF_ADMINISTRATORS),
        ("GET", DOMAIN + "keys/987654321/retire/", (302, 403, 403, 403, 404)),
    ],
    "house_domains": [("GET", "/domains/", OF_ADMINISTRATORS)],
    "house_domain": [
        ("GET", f"/domains/{HOUSE}/", OF_ADMINISTRATORS),
        ("GET", "/domains/boutique.example/", (302, 403, 403, 403, 404)),
    ],
    "house_key_make": [("POST", f"/domains/{HOUSE}/keys/", (302, 403, 403, 403, 400))],
    "house_key_step": [
        ("GET", f"/domains/{HOUSE}/keys/987654321/retire/", (302, 403, 403, 403, 404))
    ],
    "scripts_emails": [("GET", PAGE, OF_ACCOUNT)],
    # Without htmx the fragment leads to its page.
    "scripts_emails_live": [("GET", PAGE + "live/", (302, 404, 302, 302, 302))],
    "scripts_emails_confirm": [
        ("GET", PAGE + "block/confirm/", (302, 404, 403, 200, 200)),
        ("GET", PAGE + "unblock/confirm/", (302, 404, 403, 409, 409)),
        ("GET", PAGE + "purge/confirm/", (302, 404, 403, 409, 409)),
        ("GET", PAGE + "lift/confirm/", (302, 404, 403, 403, 409)),
    ],
    "scripts_emails_act": [
        ("POST", PAGE + "block/", (302, 404, 403, 302, 302)),
        ("POST", PAGE + "unblock/", (302, 404, 403, 409, 409)),
        ("POST", PAGE + "purge/", (302, 404, 403, 409, 409)),
        ("POST", PAGE + "lift/", (302, 404, 403, 403, 409)),
    ],
    "scripts": [("GET", BASE + "scripts/", OF_ACCOUNT)],
    "script": [
        ("GET", SCRIPT, OF_ACCOUNT),
        ("GET", BASE + "scripts/" + "b" * 64 + "/", (302, 404, 404, 404, 404)),
    ],
    # It is not blocked.
    "script_confirm": [
        ("GET", SCRIPT + "block/confirm/", (302, 404, 403, 200, 200)),
        ("GET", SCRIPT + "unblock/confirm/", (302, 404, 403, 409, 409)),
        ("GET", SCRIPT + "purge/confirm/", (302, 404, 403, 200, 200)),
    ],
    "script_act": [
        ("POST", SCRIPT + "block/", (302, 404, 403, 302, 302)),
        ("POST", SCRIPT + "unblock/", (302, 404, 403, 302, 302)),
        ("POST", SCRIPT + "purge/", (302, 404, 403, 302, 302)),
    ],
    "review": [("GET", PAGE + "review/", (302, 404, 403, 200, 200))],
    "review_refuse": [("POST", PAGE + "review/refuse/", (302, 404, 403, 403, 302))],
    "cases": [("GET", "/cases/", OF_ADMINISTRATORS)],
    "case": [
        ("GET", PAGE + "cases/1/", OF_ACCOUNT),
        ("GET", PAGE + "cases/987654321/", (302, 404, 404, 404, 404)),
    ],
    # Nothing is answered.
    "case_answer": [("POST", PAGE + "cases/1/answer/", (302, 404, 403, 403, 400))],
    "case_sample": [
        ("GET", PAGE + "cases/1/e-mails/1/", OF_ACCOUNT),
        ("GET", PAGE + "cases/1/e-mails/987654321/", (302, 404, 404, 404, 404)),
    ],
    "case_sample_html": [("GET", PAGE + "cases/1/e-mails/1/html/", OF_ACCOUNT)],
    "case_sample_download": [("GET", PAGE + "cases/1/e-mails/1/download/", OF_ACCOUNT)],
    "queue": [("GET", PAGE + "queue/", OF_ACCOUNT)],
    "queue_confirm": [
        ("POST", PAGE + "queue/release/confirm/", (302, 404, 403, 400, 400)),
        ("POST", PAGE + "queue/wanted/confirm/", (302, 404, 403, 400, 400)),
        ("POST", PAGE + "queue/purge/confirm/", (302, 404, 403, 400, 400)),
    ],
    "queue_act": [
        ("POST", PAGE + "queue/release/", (302, 404, 403, 400, 400)),
        ("POST", PAGE + "queue/wanted/", (302, 404, 403, 400, 400)),
        ("POST", PAGE + "queue/purge/", (302, 404, 403, 400, 400)),
    ],
    "sending_help": [("GET", PAGE + "help/", OF_ACCOUNT)],
    "tester": [("GET", PAGE + "tester/", (302, 404, 403, 200, 200))],
    "tester_address": [("GET", PAGE + "tester/address/", (302, 404, 403, 200, 200))],
    "tester_result": [("GET", PAGE + "tester/PROBE/", (302, 404, 403, 200, 200))],
    "test_mail": [("GET", PAGE + "test/", (302, 404, 403, 200, 200))],
    "test_mail_result": [("GET", PAGE + "test/TEST/", OF_ACCOUNT)],
    "errors_list": [("GET", PAGE + "errors/", OF_ACCOUNT)],
    "errors_export": [("GET", PAGE + "errors/export/", OF_ACCOUNT)],
    "report": [("GET", PAGE + "reports/2026-03-02/", OF_ACCOUNT)],
    "message": [("GET", PAGE + "messages/ABC/", OF_ACCOUNT)],
    # Owners may not overrule here.
    "message_wanted": [("GET", PAGE + "messages/ABC/wanted/", (302, 404, 403, 409, 200))],
    "message_html": [("GET", PAGE + "messages/ABC/html/", OF_ACCOUNT)],
    "message_download": [("GET", PAGE + "messages/ABC/download/", OF_ACCOUNT)],
    "report_address": [("GET", BASE + "report-address/", (302, 404, 403, 200, 200))],
    # The link itself is the right; this one is forged.
    "report_address_confirm": [("GET", "/report-address/x/", (410, 410, 410, 410, 410))],
    "members": [("GET", BASE + "members/", OF_ACCOUNT)],
    "member_role": [("GET", BASE + "members/987654321/role/", (302, 404, 403, 404, 404))],
    "member_remove": [("GET", BASE + "members/987654321/remove/", (302, 404, 403, 404, 404))],
    "invitation_again": [
        ("POST", BASE + "invitations/987654321/again/", (302, 404, 403, 404, 404))
    ],
    "invitation_revoke": [
        ("POST", BASE + "invitations/987654321/revoke/", (302, 404, 403, 404, 404))
    ],
    # The link itself is the right; this one is forged.
    "invitation": [("GET", "/invitations/x/", (410, 410, 410, 410, 410))],
    # Nothing is chosen.
    "selection_confirm": [
        ("GET", "/selection/block/confirm/", (302, 403, 403, 403, 400)),
        ("GET", "/selection/unblock/confirm/", (302, 403, 403, 403, 400)),
    ],
    "selection_act": [
        ("POST", "/selection/block/", (302, 403, 403, 403, 400)),
        ("POST", "/selection/unblock/", (302, 403, 403, 403, 400)),
    ],
    "rules": [("GET", "/rules/", OF_ADMINISTRATORS)],
    "rule": [
        ("GET", "/rules/link_text/", OF_ADMINISTRATORS),
        ("GET", "/rules/nothing/", (302, 403, 403, 403, 404)),
    ],
    "account_rules": [("GET", BASE + "rules/", OF_ADMINISTRATORS)],
    "account_rules_reset": [("POST", BASE + "rules/reset/", (302, 403, 403, 403, 302))],
    "dashboard": [("GET", "/dashboard/", (302, 403, 403, 403, 200))],
    "destinations": [("GET", "/destinations/", (302, 403, 403, 403, 200))],
    "destination_resume": [("POST", "/destinations/987654321/resume/", (302, 403, 403, 403, 302))],
    "users": [("GET", "/users/", (302, 403, 403, 403, 200))],
    "user_deactivate": [("GET", "/users/987654321/deactivate/", (302, 403, 403, 403, 404))],
    "user_reactivate": [("POST", "/users/987654321/reactivate/", (302, 403, 403, 403, 404))],
    "administrator_invitation_again": [
        ("POST", "/users/invitations/987654321/again/", (302, 403, 403, 403, 404))
    ],
    "administrator_invitation_revoke": [
        ("POST", "/users/invitations/987654321/revoke/", (302, 403, 403, 403, 404))
    ],
    "account_journal": [("GET", BASE + "journal/", OF_ACCOUNT)],
    "account_journal_export": [("GET", BASE + "journal/export/", OF_ACCOUNT)],
    "suppressions": [("GET", BASE + "exclusions/", OF_ACCOUNT)],
    "suppressions_add": [("POST", BASE + "exclusions/add/", (302, 404, 403, 400, 400))],
    "suppressions_remove": [("POST", BASE + "exclusions/remove/", (302, 404, 403, 302, 302))],
    "suppressions_export": [("GET", BASE + "exclusions/export/", OF_ACCOUNT)],
    "house_suppressions": [("GET", "/exclusions/", OF_ADMINISTRATORS)],
    "house_suppressions_add": [("POST", "/exclusions/add/", (302, 403, 403, 403, 400))],
    "house_suppressions_remove": [("POST", "/exclusions/remove/", (302, 403, 403, 403, 302))],
    "house_suppressions_export": [("GET", "/exclusions/export/", OF_ADMINISTRATORS)],
    "addresses": [("GET", BASE + "addresses/", (302, 404, 403, 200, 200))],
    "addresses_export": [("POST", BASE + "addresses/export/", (302, 404, 403, 400, 400))],
    "addresses_erase": [("POST", BASE + "addresses/erase/", (302, 404, 403, 400, 400))],
    "journal": [("GET", "/journal/", (302, 403, 403, 403, 200))],
    "journal_export": [("GET", "/journal/export/", (302, 403, 403, 403, 200))],
    "simulator": [("GET", "/simulator/", (302, 403, 403, 403, 200))],
    "simulated_message": [("GET", "/simulator/1/", (302, 403, 403, 403, 200))],
}
CASES = [
    pytest.param(method, address, role, status, id=f"{method} {address} {role}")
    for rows in TABLE.values()
    for method, address, statuses in rows
    for role, status in zip(ROLES, statuses, strict=True)
]
# Pages that show a form and take it, ours and those of allauth and Django.
OF_OTHERS = {
    PAGE + "review/",
    PAGE + "messages/ABC/wanted/",
    "/rules/link_text/",
    "/rules/nothing/",
    BASE + "rules/",
    "/web/hosting/add/",
    BASE + "edit/",
    BASE + "close/",
    BASE + "reopen/",
    BASE + "tokens/",
    BASE + "tokens/1/revoke/",
    DOMAIN + "remove/",
    DOMAIN + "keys/1/activate/",
    DOMAIN + "keys/1/retire/",
    DOMAIN + "keys/987654321/retire/",
    f"/domains/{HOUSE}/keys/987654321/retire/",
    BASE + "members/",
    BASE + "members/987654321/role/",
    BASE + "members/987654321/remove/",
    "/invitations/x/",
    "/users/",
    "/users/987654321/deactivate/",
    BASE + "addresses/",
    "/reauthenticate/",
    "/2fa/",
    "/2fa/code/",
    "/2fa/reauthenticate/",
    "/2fa/on/",
    "/2fa/off/",
    "/2fa/recovery/",
    "/2fa/recovery/new/",
    "/2fa/recovery/download/",
    BASE + "report-address/",
    PAGE + "test/",
    PAGE + "tester/",
    PAGE + "tester/address/",
    "/report-address/x/",
    "/",
    "/login/",
    "/logout/",
    "/signup/",
    "/closed/",
    "/password/",
    "/password/reset/",
    "/password/reset/sent/",
    "/password/reset/1-x-y/",
    "/password/reset/done/",
}
# Where allauth and Django lead a stranger their own way; the form of an address is ours.
LED_BY_OTHERS = {*OF_OTHERS, "/language/"} - {BASE + "report-address/", BASE + "addresses/"}
NAMES = {pattern.name for pattern in urlpatterns if isinstance(pattern, URLPattern)}


@pytest.fixture
def users(outsider: User, reader: User, owner: User, administrator: User) -> dict[str, User | None]:
    return {
        "stranger": None,
        "outsider": outsider,
        "reader": reader,
        "owner": owner,
        "administrator": administrator,
    }


@pytest.fixture
def _report(account: HostingAccount) -> None:
    DailyReport.objects.create(
        account=account,
        day=date(2026, 3, 2),
        sent_at=datetime(2026, 3, 3, 5, tzinfo=UTC),
        sent_to="contact@boutique.example",
        subject="x",
        text="x",
    )


@pytest.fixture
def _message(db: None) -> None:
    SimulatedMessage.objects.create(
        pk=1,
        received_at=datetime(2026, 3, 11, tzinfo=UTC),
        recipients=["a@example.org"],
        content=b"x\r\n",
        size_bytes=3,
    )


@pytest.fixture
def _token(account: HostingAccount, now: datetime) -> None:
    AccountToken.objects.create(
        pk=1, account=account, name="x", digest="x", created_at=now, created_by="admin"
    )


@pytest.fixture
def _key(account: HostingAccount, now: datetime) -> None:
    SigningKey.objects.create(
        pk=1,
        domain="boutique.example",
        selector="x",
        algorithm="rsa",
        created_at=now,
        activated_at=now,
    )


@pytest.fixture
def _case(account: HostingAccount, now: datetime) -> None:
    """A stop for spam that has ended, with an e-mail."""
    stop = StateChange.objects.create(
        account=account,
        changed_at=now,
        event="spam_detected",
        from_state="ok",
        to_state="spam",
        actor="spam_detected",
    )
    case = SpamCase.objects.create(
        pk=1, account=account, change=stop, opened_at=now, closed_at=now, closed_by="claire"
    )
    CaseSample.objects.create(
        pk=1,
        case=case,
        queue_id="ABC",
        accepted_at=now,
        address="a@example.org",
        recipients=1,
        size_bytes=30,
        content=zstandard.compress(b"Content-Type: text/html\r\n\r\n<p>x"),
    )


@pytest.fixture
def _letter(account: HostingAccount) -> None:
    """A message of the account, with HTML in it, that was judged spam."""
    message = Message.objects.create(
        account=account,
        queue_id="ABC",
        origin=Message.Origin.SOCKET,
        accepted_at=datetime(2026, 3, 11, tzinfo=UTC),
        size_bytes=30,
    )
    content = b"Content-Type: text/html\r\n\r\n<p>x"
    Body.objects.create(message=message, content=content, is_compressed=False)
    pronounce(message, message.accepted_at)


def _send(client: Client, method: str, address: str, **headers: str) -> int:
    return client.generic(method, address, headers=headers).status_code


@pytest.fixture
def _script(account: HostingAccount, now: datetime) -> None:
    Script.objects.create(
        account=account, key="a" * 64, origin="socket", first_seen_at=now, last_seen_at=now
    )


@pytest.fixture
def _test_mail(account: HostingAccount) -> None:
    sent = trial.send(account, "a@example.org", datetime(2026, 3, 11, tzinfo=UTC))
    Message.objects.filter(queue_id=sent).update(queue_id="TEST")


@pytest.fixture
def _probe(account: HostingAccount) -> None:
    Probe.objects.create(
        account=account, queue_id="PROBE", accepted_at=timezone.now(), size_bytes=1
    )


# Something for each address to show.
ALL_THERE = pytest.mark.usefixtures(
    "_case",
    "_key",
    "_letter",
    "_message",
    "_probe",
    "_report",
    "_script",
    "_test_mail",
    "_token",
)


def test_every_address_is_in_the_table() -> None:
    assert TABLE.keys() == NAMES


@ALL_THERE
@pytest.mark.parametrize(("method", "address", "role", "status"), CASES)
def test_each_role_gets_what_is_its_own(
    users: dict[str, User | None],
    browse: Browse,
    account: HostingAccount,
    method: str,
    address: str,
    role: str,
    status: int,
) -> None:
    assert _send(browse(users[role]), method, address) == status
    changed = HostingAccount.objects.get(pk=account.pk).state != account.state
    assert changed == (address == PAGE + "block/" and role in {"owner", "administrator"})


@pytest.mark.parametrize(
    ("method", "address"),
    [
        (method, address)
        for rows in TABLE.values()
        for method, address, _ in rows
        if address not in OF_OTHERS
    ],
)
def test_the_other_method_is_refused_and_changes_nothing(
    users: dict[str, User | None],
    browse: Browse,
    account: HostingAccount,
    method: str,
    address: str,
) -> None:
    turned = "GET" if method == "POST" else "POST"
    for role in ROLES:
        response = browse(users[role]).generic(turned, address)
        assert response.status_code == 405, role
        assert method in response["Allow"]
        assert turned not in response["Allow"]
        assert "Rien n’a été changé" in response.content.decode()
    assert HostingAccount.objects.get(pk=account.pk).state == account.state


@ALL_THERE
@pytest.mark.parametrize(
    ("address", "statuses"),
    [
        (address, statuses)
        for rows in TABLE.values()
        for method, address, statuses in rows
        if method == "GET" and address in OF_OTHERS and address.startswith("/web/hosting/")
    ],
)
def test_a_form_is_taken_from_those_alone_who_may_open_it(
    users: dict[str, User | None],
    browse: Browse,
    account: HostingAccount,
    address: str,
    statuses: tuple[int, ...],
) -> None:
    for role, opened in zip(ROLES, statuses, strict=True):
        before = HostingAccount.objects.values().get(pk=account.pk)
        status = _send(browse(users[role]), "POST", address)
        if opened in {200, 409} and role in {"owner", "administrator"}:
            assert status in {200, 302, 400, 409, 429}, role
        else:
            # A reader may open some, and send none.
            assert status == (403 if role == "reader" else opened), role
            assert HostingAccount.objects.values().get(pk=account.pk) == before


@pytest.mark.parametrize(
    ("method", "address"),
    [
        (method, address)
        for rows in TABLE.values()
        for method, address, statuses in rows
        if statuses[0] == 302 and address not in LED_BY_OTHERS
    ],
)
def test_a_stranger_is_led_to_the_login_and_back_to_a_page(
    browse: Browse, account: HostingAccount, method: str, address: str
) -> None:
    response = browse(None).generic(method, address)
    back = address if method == "GET" else "/web/hosting/"
    assert response["Location"] == f"/login/?next={back}"

    current = f"http://testserver{PAGE}?after=3"
    response = browse(None).generic(method, address, headers=HTMX | {"HX-Current-URL": current})
    assert response["HX-Redirect"] == f"/login/?next={PAGE}%3Fafter%3D3"


def test_a_closed_user_is_a_stranger(browse: Browse, owner: User) -> None:
    client = browse(owner)
    User.objects.update(is_active=False)
    assert client.get(PAGE).status_code == 302


def test_a_system_account_is_on_no_page(
    browse: Browse, administrator: User, account: HostingAccount
) -> None:
    HostingAccount.objects.update(is_system=True)
    assert browse(administrator).get(BASE).status_code == 404
    assert "boutique.example" not in browse(administrator).get("/web/hosting/").content.decode()


def test_a_page_is_kept_by_no_cache(browse: Browse, owner: User) -> None:
    response = browse(owner).get(PAGE)
    assert "no-store" in response["Cache-Control"]
    assert "HX-Request" in response["Vary"]
