"""Whatever strangers wrote is shown as text, on every page that shows it."""

import csv
import re
from datetime import date, timedelta
from io import StringIO

import pytest
import zstandard
from django.utils import timezone
from playwright.sync_api import Page, expect

from mailqueue import queue, service, simulator
from mailqueue.models import (
    CaseSample,
    HostingAccount,
    LastRefusal,
    Message,
    SpamCase,
    StateChange,
)
from mailqueue.outcomes import Outcome, Result
from panel import trial
from panel.models import AuditEntry, DailyReport, User
from tests.browser.conftest import Visit
from tests.panel.conftest import Submit

pytestmark = pytest.mark.browser

BASE = "/web/hosting/boutique.example/"
PAGE = BASE + "scripts-emails/"
CALL = "document.title='hacked'"
HOSTILE = {
    "script": f"<script>{CALL}</script>",
    "handler": f'"><img src=x onerror="{CALL}">',
    "closed": f"</bdi></code></td></table><svg onload={CALL}>",
    "template": "{{ request }}{% debug %}",
    "turned round": "\u202egpj.exe\u202d\u2066",
    "long": "W" * 255,
    "lost sign": "a\N{REPLACEMENT CHARACTER}b",
    "formula": '=HYPERLINK("http://evil.example","x")',
    "link": f"javascript:{CALL}",
}


@pytest.fixture(params=[*HOSTILE.values()], ids=[*HOSTILE])
def text(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def addresses(account: HostingAccount, submit: Submit, text: str) -> list[str]:
    """The pages that show what strangers wrote, with `text` wherever one can write."""
    now = timezone.now()
    # An address holds no blanks; a control character is none.
    local = "".join(sign for sign in text if sign.isprintable() and sign != " ")[:200]
    for _ in range(2):
        submit(
            now,
            subject=text,
            script=text,
            folder=text,
            sender=f"{local}@example.org",
            recipients=(f"{local}@example.org",),
        )
    first, second = queue.claim_due(now, 2, timedelta(minutes=1))
    failed = Outcome(Result.FAILED, f"550 {text}", "5.1.1", text)
    deferred = Outcome(Result.DEFERRED, f"451 {text}", "4.7.1", text)
    test_id = trial.send(account, "a@example.org", now)
    [third] = queue.claim_due(now, 1, timedelta(minutes=1))
    queue.record([(first, failed), (second, deferred), (third, deferred)], now)
    stop = service.report_spam(account.pk, text, now)
    # An explanation shows the script and samples.
    sample = {"subject": text, "address": local, "script": text, "reply": text}
    figures = {"samples": [sample], "script": text, "script_number": 1, "looked_at": 1}
    StateChange.objects.filter(pk=stop.pk).update(figures=figures)
    HostingAccount.objects.update(review_required=True)
    service.state_review(account.pk, text[:150], text, now)
    case = SpamCase.objects.get()
    found = {"rule": text[:40], "score": 9.0, "where": text[:40], "details": {"what": text}}
    known = {"rule": "link_invalid", "score": 8.0, "where": "link", "details": {"what": text}}
    SpamCase.objects.update(
        looked_at=2,
        rules=[{**rule, "number": 2} for rule in (found, known)],
        scripts=[{"name": text, "folder": text, "number": 2}],
    )
    CaseSample.objects.update(
        score=9.0,
        findings=[found, known],
        content=zstandard.compress(f"Subject: {text}\r\n\r\n{text}\r\n".encode()),
    )
    evidence = f"{PAGE}cases/{case.pk}/"
    shown = case.samples.filter(script=text).latest("pk")
    for target in (text, local):
        AuditEntry.objects.create(
            at=now, actor=text[:150], account=account, action=text[:32], target=target[:320]
        )
    LastRefusal.objects.create(
        account=account, refused_at=now + timedelta(seconds=1), exit_code=65, text=text
    )
    DailyReport.objects.create(
        account=account, day=date(2026, 3, 2), sent_at=now, sent_to="x", subject=text, text=text
    )
    content = f"Subject: {text}\r\n\r\n{text}\r\n".encode()
    stored = simulator.store(f"{local}@example.org", [f"{local}@example.org"], text, content, now)
    return [
        PAGE,
        PAGE + "queue/",
        PAGE + "review/",
        evidence,
        f"{evidence}e-mails/{shown.pk}/",
        PAGE + "errors/",
        PAGE + f"messages/{second.queue_id}/",
        BASE + "journal/",
        "/journal/",
        PAGE + "reports/2026-03-02/",
        PAGE + "help/",
        PAGE + f"test/{test_id}/",
        "/simulator/",
        f"/simulator/{stored.pk}/",
    ]


def _shown(page: Page) -> str:
    """What a page shows, without the blanks that lines and HTML bring."""
    return "".join(page.get_by_role("main").inner_text().split())


def _is_harmless(page: Page, text: str) -> None:
    # Longer ones are cut short with a mark.
    wanted = "".join(text.split())[:150]
    assert wanted in _shown(page), page.url
    assert page.title() != "hacked"
    foreign = "main script, main img, main svg, main iframe, main [onerror], main [onload]"
    assert page.locator(foreign).count() == 0, page.url
    assert page.locator("a[href^='javascript:'], a[href*='evil.example']").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, page.url


def test_every_page_shows_it_as_text(
    visit: Visit, administrator: User, addresses: list[str], text: str
) -> None:
    page = visit(administrator, viewport={"width": 390, "height": 844})
    boxes: list[str] = []
    page.on("dialog", lambda box: boxes.append(box.message))
    for address in addresses:
        page.goto(address)
        _is_harmless(page, text)
    assert boxes == []


def test_what_is_chosen_is_named_as_text(
    visit: Visit, administrator: User, addresses: list[str], text: str
) -> None:
    page = visit(administrator, viewport={"width": 390, "height": 844})
    page.goto(PAGE + "queue/")
    page.get_by_role("checkbox", name="Tout ce qui est affiché").check()
    page.get_by_role("button", name="Supprimer la sélection").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    assert dialog.locator("bdi.subject").first.inner_text().strip() == text.strip()
    assert page.title() != "hacked"
    assert dialog.locator("img, script, svg").count() == 0


def test_what_is_searched_for_is_text(
    visit: Visit, owner: User, account: HostingAccount, text: str
) -> None:
    page = visit(owner, viewport={"width": 390, "height": 844})
    for address in (PAGE + "queue/", PAGE + "errors/", "/web/hosting/"):
        page.goto(address)
        search = page.get_by_role("searchbox")
        search.fill(text[:250])
        search.press("Enter")
        expect(page).to_have_url(re.compile(r"[?&]q=."))
        expect(page.get_by_role("main")).to_contain_text("Aucun")
        assert search.input_value() == text[:250]
        page.reload()
        assert page.title() != "hacked"
        assert page.get_by_role("searchbox").input_value().strip() == text[:250].strip()


def test_the_export_holds_no_formula(
    visit: Visit, owner: User, addresses: list[str], text: str
) -> None:
    page = visit(owner)
    page.goto(PAGE + "errors/")
    answer = page.request.get(PAGE + "errors/export/")
    assert answer.ok
    rows = list(csv.reader(StringIO(answer.body().decode("utf-8-sig"))))
    assert len(rows) == 2
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    assert any(text in cell for cell in rows[1])
    assert Message.objects.count() == 3
