"""A script writes to the test address: what was found appears by itself, and nobody gets it."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.browser import browser_page
from tests.support.house import ACCOUNT, PASSWORD, House
from tests.support.php import SUCCESS, guide_script
from tests.support.remote import Remote

pytestmark = pytest.mark.browser


def test_what_a_script_sends_to_the_test_address_is_told_and_goes_nowhere(
    home: House, mx: Remote
) -> None:
    before = home.ledger()[ACCOUNT]
    with browser_page(home.url) as page:
        page.goto(f"/web/hosting/{ACCOUNT}/scripts-emails/tester/")
        page.locator("input[name=login]").fill("admin")
        page.locator("input[name=password]").fill(PASSWORD)
        page.locator("main button[type=submit]").click()
        page.get_by_role("link", name="Envoyer depuis un script").click()
        page.get_by_role("button", name="Créer une adresse de test").click()
        address = page.locator("#test-address").inner_text()
        # From here on only the page's own script changes it.
        page.evaluate("window.wasNotReloaded = true")

        sent = home.php(guide_script(address, subject="FREE VERY CHEAP THINGS"))
        assert sent.stdout == SUCCESS
        expect(page.locator("#verdict-title")).to_have_text("Cet e-mail part", timeout=15_000)
        expect(page.locator(".findings li")).to_have_count(2)
        expect(page.locator("#live")).to_contain_text("script.php")

        # Whoever is blocked can test the script that he has mended.
        pages, scripts_emails = home.pages(), f"/web/hosting/{ACCOUNT}/scripts-emails/"
        blocked = pages.post(
            f"{scripts_emails}block/", pages.get(f"{scripts_emails}block/confirm/")
        )
        assert "Désactivé" in blocked.words
        assert home.php(guide_script(address, subject="Votre commande")).stdout == SUCCESS
        expect(page.locator(".came tbody tr")).to_have_count(2, timeout=15_000)
        expect(page.locator(".findings li")).to_have_count(0, timeout=15_000)
        expect(page.locator(".came tbody tr").first).to_contain_text("Votre commande")
        assert page.evaluate("window.wasNotReloaded")
        page.locator(".came tbody tr").last.get_by_role("link").click()
        expect(page).to_have_url(re.compile(r"/tester/[A-Z0-9]+/$"))
        expect(page.locator("#verdict-title")).to_have_text("Cet e-mail part")
    assert home.queue() == []
    assert mx.messages == []
    assert home.ledger()[ACCOUNT] == before
    assert "status=probed" in home.output
