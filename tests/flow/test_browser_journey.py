"""What a new user does, in a real browser: a click stops mail, lets it go, or deletes it."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import browser_page
from tests.support.house import ACCOUNT, PASSWORD, House
from tests.support.php import SUCCESS, guide_script
from tests.support.remote import Remote
from tests.support.waiting import eventually

pytestmark = pytest.mark.browser

BLOCK = re.compile("Bloquer l.envoi")
UNBLOCK = re.compile("Débloquer l.envoi")
PURGE = "Purger les e-mails"


@pytest.fixture
def page(home: House) -> Iterator[Page]:
    """The page « Scripts emails » of the account, found as a person finds it."""
    with browser_page(home.url) as new:
        new.goto("/")
        new.locator("input[name=login]").fill("admin")
        new.locator("input[name=password]").fill(PASSWORD)
        new.locator("main button[type=submit]").click()
        new.get_by_role("navigation").get_by_role("link", name="Hébergements").click()
        new.get_by_role("link", name=ACCOUNT).first.click()
        new.get_by_text("Plus", exact=True).click()
        new.locator("details").get_by_role("link", name=re.compile("Scripts e-?mails")).click()
        expect(new.locator("#part-facts .badge")).to_have_text("Activé")
        yield new


def send(home: House, address: str) -> None:
    assert home.php(guide_script(address, subject=f"Pour {address}")).stdout == SUCCESS


def click(page: Page, button: "str | re.Pattern[str]") -> None:
    """Click a button of the page, then « Valider »."""
    page.locator("#part-actions").get_by_role("button", name=button).click()
    page.get_by_role("dialog").get_by_role("button", name="Valider").click()


def figure(page: Page, name: str) -> int:
    """The figure behind a name on the page."""
    row = page.locator("#part-facts div", has=page.locator("dt", has_text=name))
    found = re.match(r"[\d\s]+", row.locator("dd").inner_text())
    assert found
    return int(re.sub(r"\s", "", found[0]))


def charted(page: Page) -> list[int]:
    """What the chart shows of today: delivered, in error, in the queue."""
    answer = page.evaluate(
        "Chart.getChart('chart').data.datasets.map((series) => series.data.at(-1))"
    )
    return [int(value) for value in answer]


def addresses(mx: Remote) -> set[str]:
    return {address for message in list(mx.messages) for address in message.recipients}


def test_the_page_stops_mail_lets_it_go_and_deletes_it(home: House, mx: Remote, page: Page) -> None:
    # Nothing but the page's own script may change it from here on.
    page.evaluate("window.wasNotReloaded = true")
    sent = figure(page, "Total des e-mails envoyés")
    badge = page.locator("#part-facts .badge")
    queue = page.locator("#part-queue")

    send(home, "first@example.org")
    eventually(lambda: figure(page, "Total des e-mails envoyés") == sent + 1)
    eventually(lambda: charted(page)[0] == sent + 1)

    click(page, BLOCK)
    expect(badge).to_have_text("Désactivé")
    expect(badge).to_have_class(re.compile("state-ko"))
    send(home, "second@example.org")
    expect(queue).to_contain_text("second@example.org", timeout=10_000)
    eventually(lambda: charted(page) == [sent + 1, 0, 1])
    assert "second@example.org" not in addresses(mx)

    click(page, UNBLOCK)
    expect(badge).to_have_text("Activé")
    eventually(lambda: "second@example.org" in addresses(mx))
    expect(queue).not_to_contain_text("second@example.org", timeout=10_000)
    eventually(lambda: figure(page, "Total des e-mails envoyés") == sent + 2)

    click(page, BLOCK)
    expect(badge).to_have_text("Désactivé")
    send(home, "third@example.org")
    expect(queue).to_contain_text("third@example.org", timeout=10_000)
    click(page, PURGE)
    expect(badge).to_have_text("Activé", timeout=10_000)
    expect(queue).not_to_contain_text("third@example.org")
    eventually(lambda: charted(page) == [sent + 2, 0, 0])
    assert "third@example.org" not in addresses(mx)

    assert page.evaluate("window.wasNotReloaded")
    assert home.queue() == []
    home.ledger()


def test_the_buttons_work_without_script(home: House) -> None:
    with browser_page(home.url, has_script=False) as page:
        page.goto(f"/web/hosting/{ACCOUNT}/scripts-emails/")
        page.locator("input[name=login]").fill("admin")
        page.locator("input[name=password]").fill(PASSWORD)
        page.locator("main button[type=submit]").click()
        for button, state in ((BLOCK, "Désactivé"), (UNBLOCK, "Activé")):
            page.locator("#part-actions").get_by_role("button", name=button).click()
            page.get_by_role("main").get_by_role("button", name="Valider").click()
            expect(page.locator("#part-facts .badge")).to_have_text(state)
