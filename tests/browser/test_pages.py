"""Every page in a real browser: no error, accessible in both themes, fit for a phone."""

from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.db import transaction
from django.utils import timezone
from playwright.sync_api import Page

from mailqueue import (
    accounts,
    engines,
    probes,
    scripts,
    senders,
    service,
    signing_keys,
    simulator,
    tokens,
)
from mailqueue.engines import Known
from mailqueue.examining import Examined
from mailqueue.models import (
    CaseSample,
    HostingAccount,
    Message,
    Probe,
    QueueJob,
    SigningKey,
    SpamCase,
)
from mailqueue.senders import Seen
from panel import dns_questions, invitations, tester, trial
from panel.models import AuditEntry, Membership, User
from tests.browser.conftest import Visit
from tests.panel.conftest import Submit
from tests.support import judged
from tests.support.judged import FINDINGS, pronounce

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
SCRIPTS_EMAILS = "/web/hosting/boutique.example/scripts-emails/"
STATES = ("ok", "force", "ko", "bounce", "spam", "purging")


def _stopped(now: datetime) -> tuple[SpamCase, CaseSample]:
    """A case with everything on its page, and an e-mail of it."""
    long = "x" * 250
    account = accounts.create("stopped." + "s" * 60 + ".example", now)
    judged.send(
        account,
        judged.letter("first-paypal"),
        now,
        "a" * 60 + "@" + "b" * 60 + ".example",
        "z@example.org",
        subject=long,
        script="/s" * 100,
        folder="/f" * 300,
    )
    judged.wanton(account, now)
    service.report_spam(account.pk, long, now)
    service.purge(account.pk, "x" * 150, now)
    judged.wanton(account, now)
    judged.send(account, judged.letter("first-paypal"), now, subject=long, script="/s" * 100)
    judged.judge(account, now)
    service.report_spam(account.pk, long, now)
    HostingAccount.objects.filter(pk=account.pk).update(review_required=True)
    service.state_review(account.pk, "y" * 150, long, now, by_mail=True)
    service.refuse_review(account.pk, "x" * 150, long, now)
    service.state_review(account.pk, "y" * 150, long, now)
    case = SpamCase.objects.get(account=account, closed_at=None)
    return case, case.samples.get(subject=long)


@pytest.fixture
def addresses(
    account: HostingAccount, submit: Submit, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """The addresses of all pages, with something to see on each."""
    now = timezone.now()
    # Nobody answers: what is told then is to be read too.
    settings.BOUNCE_DOMAIN, settings.RESOLVERS = "bounce.hoster.example", [("127.0.0.1", 9)]
    monkeypatch.setattr(dns_questions, "WITHIN_S", 0.05)
    settings.RSPAMD, settings.CLAMD = ("127.0.0.1", 11333), ("127.0.0.1", 3310)
    away = Known(False, now, now, words="no answer " * 30, answers=10**9, mean_ms=2999, missed=12)
    known = {"clamav": away, "rspamd": Known(True, now, now)}
    engines.keep("n" * 60, known)
    for number in range(30):
        made = accounts.create(f"a-rather-long-name-of-a-site-{number}.example", now)
        if number % 3 == 0:
            service.block(made.pk, "admin", now)
    long = "a" * 60 + "@" + "b" * 60 + ".example"
    for subject in ("Votre commande", "x" * 250, "", "<b>hostile</b>"):
        submit(now - timedelta(hours=5), subject=subject, recipients=(long,), script="/s" * 60)
    submit(now, recipients=tuple(f"r{n}@example.org" for n in range(30)))
    for _ in range(6):
        service.block(account.pk, "a-rather-long-name@" + "b" * 40 + ".example", now)
        service.unblock(account.pk, "claire", now)
    closed = accounts.create("closed." + "c" * 60 + ".example", now)
    accounts.close(closed.pk, "admin", now)
    token, _plain = tokens.make(account.pk, "t" * 100, "admin", now, uid=1)
    tokens.revoke(tokens.make(account.pk, "old", "admin", now)[0], now)
    test_id = trial.send(account, long, now)
    to_test = probes.written(probes.make_address(account.pk, now))
    submit(now, recipients=(to_test,), script="/s" * 60)
    examined = tester.judge(account, f"Subject: FREE {'X' * 300}\n\n{long}".encode(), now)
    assert isinstance(examined, Examined)
    for number, row in enumerate([examined.as_row(), {}]):
        Probe.objects.create(
            account=account,
            queue_id=("PROBE", "BROKEN")[number],
            accepted_at=now,
            script="/s" * 60,
            size_bytes=1,
            judged_at=now,
            result=row,
        )
    stored = simulator.store(
        "", [long, "b@example.org"], "x" * 200, b"a: b\r\n\r\n" + b"x" * 900, now
    )
    members = []
    for number, role in enumerate(["owner", "reader", "reader"]):
        somebody = User.objects.create_user(f"{number}-a-rather-long-login-{'x' * 40}", long)
        members.append(Membership.objects.create(user=somebody, account=account, role=role))
    sender = members[0].user
    invitations.create(long, sender, now - timedelta(days=8), account, "owner")
    invitations.create(long, sender, now, None, "")
    _, to_owner = invitations.create("new@b.example", sender, now, account, "owner")
    _, to_member = invitations.create(long, sender, now, account, "reader")
    letter = EmailMessage()
    letter["Subject"] = "x" * 300
    letter.set_content("Bonjour " + "y" * 300)
    letter.add_alternative("<h1>Bonjour</h1><p>" + "z" * 300, subtype="html")
    letter.add_attachment(b"x", "image", "png", filename="n" * 200 + ".png")
    content = letter.as_bytes().replace(b"\n", b"\r\n")
    submit(now, content=content, size_bytes=len(content), recipients=(long, "z@example.org"))
    shown = Message.objects.order_by("pk").reverse()[0]
    pronounce(
        shown, now, [*FINDINGS, {**FINDINGS[1], "details": {"what": "x" * 300, "host": "y" * 300}}]
    )
    for number in range(60):
        AuditEntry.objects.create(
            at=now, actor="x" * 150, account=account, action="preview", target=f"{long}{number}"
        )
    # A host without a dot in its name is none of DNS.
    house = senders.house_domains()[0]
    senders.add(account, "a" * 60 + "." + "b" * 60 + ".example", "x" * 150, now)
    senders.set_policy(account.pk, "warn")
    senders.note_foreign({account.pk: Seen(3, long, "/s" * 100)}, now)
    for algorithm in (SigningKey.Algorithm.RSA, SigningKey.Algorithm.ED25519):
        old, key = (
            signing_keys.make("boutique.example", algorithm, "x" * 150, now) for _ in range(2)
        )
        signing_keys.activate(old, now)
    signing_keys.retire(old, now)
    stopped, long_name = _stopped(now)
    evidence = f"/web/hosting/{stopped.account.service_name}/scripts-emails/cases/{stopped.pk}/"
    told = [
        scripts.Seen(account.pk, name, "/s" * 100, Message.Origin.SOCKET, 2000, 30, 30, 7)
        for name in ("n" * 255, "<b>", *(f"{number}.php" for number in range(60)))
    ]
    with transaction.atomic():
        scripts.see(told, now)
        scripts.see(told[:5], now - timedelta(days=20))
    blocked = service.block_script(account.pk, told[0].key, "x" * 150, now)
    submit(now, subject="x" * 250, script="n" * 255, folder="/s" * 100)
    script = f"/web/hosting/boutique.example/scripts/{blocked.key}/"
    step = f"/web/hosting/boutique.example/domains/boutique.example/keys/{key.pk}/"
    return [
        "/web/hosting/boutique.example/scripts/",
        script,
        script + "purge/confirm/",
        script + "block/confirm/",
        "/web/hosting/boutique.example/domains/",
        "/web/hosting/boutique.example/domains/boutique.example/",
        "/web/hosting/boutique.example/domains/boutique.example/?check=1",
        f"/web/hosting/boutique.example/domains/{'a' * 60}.{'b' * 60}.example/remove/",
        step + "activate/",
        step + "retire/",
        "/domains/?check=1",
        f"/domains/{house}/",
        "/web/hosting/boutique.example/members/",
        f"/web/hosting/boutique.example/members/{members[0].pk}/role/",
        f"/web/hosting/boutique.example/members/{members[1].pk}/remove/",
        f"/invitations/{to_owner}/",
        f"/invitations/{to_member}/?outside",
        f"/invitations/{to_owner}/?outside",
        "/invitations/x/",
        "/web/hosting/?state=ko",
        "/selection/block/confirm/?everything=on",
        "/selection/unblock/confirm/",
        "/dashboard/",
        "/destinations/",
        "/rules/",
        "/rules/?q=nothing-like-it",
        "/rules/link_text/",
        "/rules/malware/",
        "/web/hosting/boutique.example/rules/",
        "/cases/",
        "/cases/?all=on&q=nothing-like-it",
        evidence,
        f"{evidence}e-mails/{long_name.pk}/",
        "/users/",
        "/users/?q=nothing-like-it",
        f"/users/{sender.pk}/deactivate/",
        "/login/",
        "/signup/",
        "/closed/",
        "/password/reset/",
        "/password/reset/sent/",
        "/password/reset/1-x-y/",
        "/password/reset/done/",
        "/nowhere/",
        "/web/hosting/",
        "/web/hosting/?q=nothing-like-it",
        "/web/hosting/boutique.example/",
        "/web/hosting/?closed=1",
        "/web/hosting/add/",
        "/web/hosting/boutique.example/edit/",
        "/web/hosting/boutique.example/close/",
        "/web/hosting/boutique.example/reopen/",
        "/web/hosting/boutique.example/tokens/",
        f"/web/hosting/boutique.example/tokens/{token.pk}/revoke/",
        f"/web/hosting/{closed.service_name}/",
        SCRIPTS_EMAILS,
        SCRIPTS_EMAILS + "?after=20",
        SCRIPTS_EMAILS + "?period=24h",
        SCRIPTS_EMAILS + f"?period=90d&day={now - timedelta(days=2):%Y-%m-%d}",
        SCRIPTS_EMAILS + "block/confirm/",
        SCRIPTS_EMAILS + "unblock/confirm/",
        SCRIPTS_EMAILS + "review/",
        SCRIPTS_EMAILS + "errors/",
        SCRIPTS_EMAILS + "queue/",
        SCRIPTS_EMAILS + "queue/?standing=waiting&after=20",
        SCRIPTS_EMAILS + "queue/?q=nothing-like-it",
        SCRIPTS_EMAILS + "help/",
        SCRIPTS_EMAILS + "tester/",
        SCRIPTS_EMAILS + "tester/address/",
        SCRIPTS_EMAILS + "tester/PROBE/",
        SCRIPTS_EMAILS + "test/",
        SCRIPTS_EMAILS + f"test/{test_id}/",
        SCRIPTS_EMAILS + f"messages/{shown.queue_id}/",
        SCRIPTS_EMAILS + f"messages/{shown.queue_id}/wanted/",
        SCRIPTS_EMAILS + "queue/?standing=spam",
        "/journal/",
        "/web/hosting/boutique.example/journal/",
        "/web/hosting/boutique.example/exclusions/",
        "/exclusions/",
        "/web/hosting/boutique.example/addresses/",
        "/simulator/",
        f"/simulator/{stored.pk}/",
        "/password/",
        "/2fa/",
        "/2fa/on/",
        "/logout/",
    ]


def _complaints(page: Page) -> list[str]:
    # What stands in a frame is a stranger's letter, and none of our pages.
    found = Axe().run(page, options={"iframes": False})
    violations: list[dict[str, Any]] = found.response["violations"]
    return [
        f"{page.url} {one['id']}: {node['html'][:200]} {node.get('failureSummary', '')}"
        for one in violations
        for node in one["nodes"]
    ]


def _open(page: Page, address: str) -> None:
    # A refusal is an answer too; the console says its status, which is no error of the page.
    response = page.goto(address)
    assert response
    assert response.status < 500


def _forget_statuses(visit: Visit) -> None:
    # Axe itself asks the frame of a message to answer, which a sandbox without an origin cannot.
    told = ("the server responded with", "Failed to execute 'postMessage' on 'DOMWindow'")
    visit.errors = [error for error in visit.errors if not any(words in error for words in told)]


@pytest.mark.parametrize(
    ("theme", "size"), [("light", DESKTOP), ("dark", PHONE)], ids=["light desktop", "dark phone"]
)
def test_every_page_is_accessible_and_without_error(
    visit: Visit,
    administrator: User,
    addresses: list[str],
    theme: str,
    size: dict[str, int],
) -> None:
    inside = visit(administrator, viewport=size, color_scheme=theme)
    outside = visit(None, viewport=size, color_scheme=theme)
    complaints = []
    for address in addresses:
        is_outside = address in {"/login/", "/signup/", "/closed/"} or any(
            part in address for part in ("/reset/", "?outside")
        )
        page = outside if is_outside else inside
        _open(page, address)
        complaints += _complaints(page)
    _forget_statuses(visit)
    assert complaints == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_state_is_accessible(
    visit: Visit, owner: User, account: HostingAccount, theme: str
) -> None:
    page = visit(owner, color_scheme=theme)
    complaints = []
    for state in STATES:
        HostingAccount.objects.update(state=state)
        _open(page, SCRIPTS_EMAILS)
        complaints += _complaints(page)
    assert complaints == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_stop_that_explains_itself_is_accessible(
    visit: Visit, administrator: User, account: HostingAccount, submit: Submit, theme: str
) -> None:
    submit(timezone.now(), subject="x" * 200, script="/s" * 100)
    judged.judge(account, timezone.now())
    judged.wanton(account, timezone.now())
    HostingAccount.objects.update(hourly_quota=1)
    stop = service.report_spam(account.pk, "Plainte reçue", timezone.now())
    HostingAccount.objects.update(review_required=True)
    service.state_review(account.pk, "claire", "Fait.", timezone.now())
    assert stop.figures["samples"]
    assert SpamCase.objects.get().rules
    page = visit(administrator, color_scheme=theme, viewport=PHONE)
    _open(page, SCRIPTS_EMAILS)
    for summary in page.locator("#part-explanation summary").all():
        summary.click()
    assert _complaints(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_what_opens_is_accessible(
    visit: Visit, administrator: User, account: HostingAccount
) -> None:
    service.block(account.pk, "x", timezone.now())
    QueueJob.objects.create(
        account=account,
        kind="hold",
        through_id=9,
        total=9,
        done=4,
        actor="x",
        created_at=timezone.now(),
    )
    page = visit(administrator)
    _open(page, SCRIPTS_EMAILS)
    page.get_by_text("Voir le tableau").click()
    page.locator("details.menu summary").click()
    complaints = _complaints(page)
    page.locator("#action-purge").click()
    page.get_by_role("dialog").wait_for()
    assert complaints + _complaints(page) == []


@pytest.mark.parametrize("width", [320, 390, 768, 1024])
def test_no_page_scrolls_sideways(
    visit: Visit, administrator: User, addresses: list[str], width: int
) -> None:
    page = visit(administrator, viewport={"width": width, "height": 844})
    wide = []
    for address in addresses:
        _open(page, address)
        if page.evaluate("document.documentElement.scrollWidth") > width:
            wide.append(page.url)
    _forget_statuses(visit)
    assert wide == []


def test_the_buttons_come_first_on_a_phone(
    visit: Visit, owner: User, account: HostingAccount
) -> None:
    page = visit(owner, viewport=PHONE)
    _open(page, SCRIPTS_EMAILS)
    actions = page.locator("#part-actions").bounding_box()
    facts = page.locator("#part-facts").bounding_box()
    assert actions
    assert facts
    assert actions["y"] < facts["y"]
    page.set_viewport_size({"width": 1280, "height": 900})
    actions = page.locator("#part-actions").bounding_box()
    facts = page.locator("#part-facts").bounding_box()
    assert actions
    assert facts
    assert actions["x"] > facts["x"] + facts["width"] - 1
