"""A way out of a stop for spam, with a real site and a real browser.

The mailer that somebody left in a folder for pictures is blocked, and the site goes on.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import browser_page
from tests.support.house import ACCOUNT, PASSWORD, House, free_port, house
from tests.support.php import Site, serving
from tests.support.remote import Remote
from tests.support.waiting import eventually

pytestmark = pytest.mark.browser

SITE = Path(__file__).resolve().parent.parent / "data" / "site"
SCRIPTS_EMAILS = f"/web/hosting/{ACCOUNT}/scripts-emails/"
PHISHING = (
    "<p>Cher assuré,</p><p>Un remboursement de 284,32 € vous attend sur votre compte ameli. Pour le"
    " recevoir, confirmez vos coordonnées bancaires et votre numéro de carte sous 24 heures :</p>"
    '<p><a href="{link}">https://www.ameli.fr/remboursement</a></p>'
)
MAILER = "wp-content/uploads/2026/xq7f2.php"


@pytest.fixture
def home(mx: Remote) -> Iterator[House]:
    """A house of its own for each case: a stop counts for thirty days."""
    mx.messages.clear()
    with house(smarthost=f"127.0.0.1:{mx.port}", lease_seconds="4", sweep_seconds="1") as new:
        new.start()
        yield new
    print(new.output)


@pytest.fixture
def site(home: House) -> Iterator[Site]:
    """The site of the account."""
    with serving(SITE, home.sendmail, free_port()) as new:
        yield new


@pytest.fixture
def page(home: House) -> Iterator[Page]:
    """The page « Scripts emails », seen by an administrator."""
    with browser_page(home.url) as new:
        new.goto(SCRIPTS_EMAILS)
        new.locator("input[name=login]").fill("admin")
        new.locator("input[name=password]").fill(PASSWORD)
        new.locator("main button[type=submit]").click()
        expect(new.locator("#part-facts .badge")).to_have_text("Activé")
        yield new


def names(first: str) -> list[str]:
    return [f"{first}{number}@example.org" for number in range(6)]


def visit(site: Site, address: str) -> None:
    """An honest visitor asks, and gets his copy."""
    words = "Bonjour, livrez-vous aussi le samedi ? Merci, Claire"
    fields = {"name": "Claire", "email": address, "subject": "Livraison", "message": words}
    assert site.post("contact.php", **fields) == "sent"


def arrived(mx: Remote) -> set[str]:
    return {address for message in list(mx.messages) for address in message.recipients}


def state(page: Page, word: str) -> None:
    expect(page.locator("#part-facts .badge")).to_have_text(word, timeout=20_000)


def purge(page: Page) -> None:
    page.goto(SCRIPTS_EMAILS)
    actions = page.locator("#part-actions")
    expect(actions.get_by_role("button", name=re.compile("Débloquer"))).to_be_disabled()
    actions.get_by_role("button", name="Purger les e-mails").click()
    page.get_by_role("dialog").get_by_role("button", name="Valider").click()
    state(page, "Activé")


def test_a_mailer_was_left_in_a_folder(home: House, site: Site, mx: Remote, page: Page) -> None:
    assert site.post(MAILER, to=",".join(names("assure")), body=PHISHING) == "6"
    state(page, "SPAM")
    page.get_by_role("link", name=re.compile("Voir toute l.analyse")).click()
    main = page.get_by_role("main")
    expect(main).to_contain_text("xq7f2.php")
    expect(main).to_contain_text("Votre remboursement est en attente")
    page.get_by_role("link", name=re.compile("Voir cet e-mail")).first.click()
    expect(page.frame_locator("main iframe").locator("body")).to_contain_text("Cher assuré")

    # Its mailer is blocked, and the mail of the form goes on.
    page.goto(f"/web/hosting/{ACCOUNT}/scripts/")
    page.get_by_role("link", name="xq7f2.php").click()
    page.get_by_role("link", name="Bloquer ce script").click()
    page.get_by_role("button", name="Valider").click()
    purge(page)
    assert site.post(MAILER, to="encore@example.org", body=PHISHING) == "1"
    visit(site, "client@example.org")
    eventually(lambda: "client@example.org" in arrived(mx))
    assert {one for one in arrived(mx) if one.endswith("@example.org")} == {"client@example.org"}
    assert [row["recipient"] for row in home.queue()] == ["encore@example.org"]
    page.goto(SCRIPTS_EMAILS)
    state(page, "Activé")
    home.ledger()
