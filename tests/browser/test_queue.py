"""The queue's page and the test e-mail in a real browser: by keyboard, and without script."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from mailqueue import queue, service
from mailqueue.models import HostingAccount, Recipient
from mailqueue.outcomes import Outcome, Result
from panel.models import User
from tests.browser.conftest import Visit
from tests.panel.conftest import Submit

pytestmark = pytest.mark.browser

PAGE = "/web/hosting/boutique.example/scripts-emails/"
QUEUE = PAGE + "queue/"


def statuses() -> list[str]:
    return list(Recipient.objects.order_by("pk").values_list("status", flat=True))


@pytest.fixture
def held(account: HostingAccount, submit: Submit) -> None:
    """Three e-mails that are held."""
    now = timezone.now()
    service.block(account.pk, "claire", now)
    for _ in range(3):
        submit(now)


@pytest.fixture
def queue_page(visit: Visit, owner: User, held: None) -> Page:
    page = visit(owner)
    page.goto(QUEUE)
    return page


def test_a_selection_is_released_by_keyboard_alone(queue_page: Page) -> None:
    page = queue_page
    dialog = page.get_by_role("dialog")
    first = page.get_by_role("checkbox", name="Commande 1")
    first.focus()
    page.keyboard.press("Space")
    expect(first).to_be_checked()
    release = page.get_by_role("button", name="Libérer la sélection")
    release.focus()
    page.keyboard.press("Enter")
    expect(dialog).to_be_visible()
    expect(dialog).to_have_accessible_name("Libérer la sélection")
    expect(dialog).to_contain_text("1 e-mail sera remis en distribution")
    expect(dialog.get_by_role("button", name="Valider")).to_be_focused()

    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(release).to_be_focused()
    expect(first).to_be_checked()
    assert statuses() == ["held"] * 3

    page.keyboard.press("Enter")
    expect(dialog.get_by_role("button", name="Valider")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    alert = page.locator("#alerts .alert")
    expect(alert).to_contain_text("1 e-mail est remis en distribution.")
    expect(alert).to_be_focused()
    expect(page.locator("tbody tr").first).to_contain_text("Sur le départ")
    assert statuses() == ["waiting", "held", "held"]


def test_deleting_begins_at_cancel(queue_page: Page) -> None:
    queue_page.get_by_role("checkbox", name="Commande 2").check()
    queue_page.get_by_role("button", name="Supprimer la sélection").click()
    dialog = queue_page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Annuler")).to_be_focused()
    expect(dialog).to_contain_text("client2@example.org")
    dialog.get_by_role("button", name="Valider").click()
    expect(queue_page.locator("#alerts")).to_contain_text("1 e-mail a été effacé.")
    expect(queue_page.locator("tbody tr")).to_have_count(2)
    assert statuses() == ["held", "purged", "held"]


def test_one_box_ticks_all_and_one_that_is_unticked_takes_it_back(queue_page: Page) -> None:
    every = queue_page.get_by_role("checkbox", name="Tout ce qui est affiché")
    boxes = queue_page.locator("input[name=chosen]")
    every.check()
    for index in range(3):
        expect(boxes.nth(index)).to_be_checked()
    boxes.nth(1).uncheck()
    expect(every).not_to_be_checked()
    queue_page.get_by_role("button", name="Supprimer la sélection").click()
    expect(queue_page.get_by_role("dialog")).to_contain_text("2 e-mails seront effacés")
    queue_page.keyboard.press("Escape")
    boxes.nth(1).check()
    expect(every).to_be_checked()


def test_a_choice_of_nothing_is_told_in_the_dialog(visit: Visit, queue_page: Page) -> None:
    button = queue_page.get_by_role("button", name="Supprimer la sélection")
    button.click()
    dialog = queue_page.get_by_role("dialog")
    expect(dialog).to_contain_text("Aucun e-mail n’est choisi.")
    expect(dialog.get_by_role("button", name="Retour")).to_be_focused()
    queue_page.keyboard.press("Enter")
    expect(button).to_be_focused()
    # The browser and htmx both say the status.
    assert all("400" in error for error in visit.errors)
    visit.errors.clear()


def test_a_search_replaces_the_list_and_keeps_its_address(queue_page: Page) -> None:
    queue_page.evaluate("window.wasNotReloaded = true")
    search = queue_page.get_by_role("searchbox")
    search.fill("client3")
    search.press("Enter")
    expect(queue_page.locator("tbody tr")).to_have_count(1)
    expect(queue_page).to_have_url(f"{QUEUE}?q=client3&standing=&show=50")
    assert queue_page.evaluate("window.wasNotReloaded")
    queue_page.reload()
    expect(queue_page.locator("tbody tr")).to_have_count(1)


def test_a_selection_is_deleted_without_script(visit: Visit, owner: User, held: None) -> None:
    page = visit(owner, java_script_enabled=False)
    page.goto(PAGE)
    page.get_by_role("link", name="Tout voir").click()
    page.get_by_role("checkbox", name="Tout ce qui est affiché").check()
    page.get_by_role("button", name="Supprimer la sélection").click()
    expect(page.get_by_role("main")).to_contain_text("3 e-mails seront effacés définitivement.")
    page.get_by_role("button", name="Valider").click()
    expect(page.locator("#alerts")).to_contain_text("3 e-mails ont été effacés.")
    expect(page.get_by_role("main")).to_contain_text("La file d’attente est vide.")
    assert statuses() == ["purged"] * 3


def test_a_test_e_mail_is_sent_by_keyboard_and_followed(
    visit: Visit, scripts_emails: Page, account: HostingAccount
) -> None:
    page = scripts_emails
    dialog = page.get_by_role("dialog")
    button = page.locator("#action-test")
    button.focus()
    page.keyboard.press("Enter")
    address = dialog.get_by_label("Adresse")
    expect(address).to_be_focused()
    expect(address).to_have_value("claire@boutique.example")
    page.keyboard.press("Escape")
    expect(button).to_be_focused()

    page.keyboard.press("Enter")
    expect(address).to_be_focused()
    # The browser takes this for an address, the panel does not.
    address.fill("a@b")
    page.keyboard.press("Enter")
    expect(address).to_have_attribute("aria-invalid", "true")
    expect(address).to_be_focused()
    assert all("400" in error for error in visit.errors)
    visit.errors.clear()
    address.fill("moi@example.org")
    page.keyboard.press("Enter")
    page.wait_for_url("**/scripts-emails/test/*/")
    expect(page.get_by_role("main")).to_contain_text("Pas encore de réponse.")

    now = timezone.now()
    claimed = queue.claim_due(now, 1, timedelta(minutes=1))
    queue.record([(claimed[0], Outcome(Result.DELIVERED, "250 2.0.0 Ok", "2.0.0", "mx"))], now)
    expect(page.get_by_role("main")).to_contain_text("250 2.0.0 Ok")
    expect(page.locator("[hx-trigger]")).to_have_count(0)


def test_the_line_for_php_is_copied(visit: Visit, owner: User, account: HostingAccount) -> None:
    page = visit(owner, permissions=["clipboard-read", "clipboard-write"])
    page.goto(PAGE + "help/")
    page.get_by_role("button", name="Copier la ligne").click()
    expect(page.get_by_role("button", name="Copié")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("#sendmail-path").inner_text()
    assert copied.startswith("sendmail_path = ")
