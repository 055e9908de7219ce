"""« Gérer les états Désactivé, Bounce et SPAM », in a browser, on real mail from real PHP."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.flow.test_browser_journey import PURGE, UNBLOCK, click
from tests.support.browser import browser_page
from tests.support.house import ACCOUNT, PASSWORD, House, house
from tests.support.remote import Remote
from tests.support.waiting import eventually

pytestmark = pytest.mark.browser

# Sends to `$number` addresses of one kind, one mail each.
SENDER = """<?php
for ($n = 0; $n < {number}; $n++) {{
    if (!mail("{kind}$n@example.org", "Offre $n", "Bonjour", "From: site@boutique.example"))
        exit(1);
}}
echo "sent";
"""
SCRIPTS_EMAILS = f"/web/hosting/{ACCOUNT}/scripts-emails/"


@pytest.fixture(scope="module")
def limited(mx: Remote) -> Iterator[House]:
    """A house whose accounts may hand over forty e-mails within ten minutes."""
    mx.script.recipients |= {f"gone{n}@example.org": "550 5.1.1 User unknown" for n in range(60)}
    with house(
        smarthost=f"127.0.0.1:{mx.port}",
        sweep_seconds="1",
        hourly_quota="40",
        fast_factor="1",
        bounce_percent="25",
    ) as new:
        new.start()
        yield new
    print(new.output)


@pytest.fixture
def page(limited: House) -> Iterator[Page]:
    with browser_page(limited.url) as new:
        new.goto(SCRIPTS_EMAILS)
        new.locator("input[name=login]").fill("admin")
        new.locator("input[name=password]").fill(PASSWORD)
        new.locator("main button[type=submit]").click()
        yield new


def send(home: House, kind: str, number: int) -> None:
    result = home.php(SENDER.format(kind=kind, number=number))
    assert result.stdout == "sent", result.stderr


def badge(page: Page, word: str) -> None:
    expect(page.locator("#part-facts .badge")).to_have_text(word, timeout=20_000)


def addresses(mx: Remote) -> set[str]:
    return {address for message in list(mx.messages) for address in message.recipients}


def test_bounce_leads_to_force_or_by_a_purge_back(limited: House, mx: Remote, page: Page) -> None:
    badge(page, "Activé")
    send(limited, "good", 10)
    send(limited, "gone", 10)
    badge(page, "Bounce")
    told = page.locator("#part-explanation")
    expect(told).to_contain_text("des e-mails reviennent en erreur")
    expect(told).to_contain_text("Force")
    send(limited, "held", 2)
    expect(page.locator("#part-queue")).to_contain_text("held1@example.org", timeout=10_000)

    click(page, UNBLOCK)
    badge(page, "Force")
    eventually(lambda: {"held0@example.org", "held1@example.org"} <= addresses(mx))

    # 10 of 25 would have stopped it before; now half is allowed.
    send(limited, "fine", 13)
    eventually(lambda: "fine12@example.org" in addresses(mx))
    badge(page, "Force")

    page.goto(f"{SCRIPTS_EMAILS}errors/?category=user_unknown")
    expect(page.locator("#errors")).to_contain_text("gone9@example.org")
    limited.ledger()


def test_too_fast_leads_to_desactive_and_a_click_back(limited: House, page: Page) -> None:
    send(limited, "many", 41)
    badge(page, "Désactivé")
    told = page.locator("#part-explanation")
    expect(told).to_contain_text("e-mails ont été remis en 10 minutes")
    expect(told).to_contain_text("script.php")
    click(page, UNBLOCK)
    badge(page, "Activé")
    expect(told).to_contain_text("dépassent le quota", timeout=10_000)
    limited.ledger()


def test_spam_is_left_by_a_purge_only(limited: House, mx: Remote, page: Page) -> None:
    assert limited.manage("reportspam", ACCOUNT, "--reason", "Plainte reçue").returncode == 0
    badge(page, "SPAM")
    told = page.locator("#part-explanation")
    expect(told).to_contain_text("Plainte reçue")
    for number in (1, 2, 3):
        expect(told).to_contain_text(re.compile(rf"Cas n°.{number}"))
    expect(page.locator("#action-unblock")).to_be_disabled()
    send(limited, "spam", 2)
    click(page, PURGE)
    badge(page, "Activé")
    expect(page.locator("#part-queue")).to_contain_text("La file d’attente est vide.")
    assert not {"spam0@example.org", "spam1@example.org"} & addresses(mx)
    assert limited.queue() == []
    limited.ledger()
