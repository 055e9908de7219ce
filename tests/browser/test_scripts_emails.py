"""« Scripts emails » in a real browser: it follows by itself, and lives without script too."""

import re

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from mailqueue import service
from mailqueue.models import HostingAccount
from panel.models import User
from tests.browser.conftest import Visit
from tests.panel.conftest import PASSWORD, Submit
from tests.support.waiting import eventually

pytestmark = pytest.mark.browser

PAGE = "/web/hosting/boutique.example/scripts-emails/"


def _charted(page: Page) -> list[int]:
    """What the bars of today show: delivered, in error, in the queue."""
    found = page.evaluate(
        "Chart.getChart('chart').data.datasets.map((series) => series.data.at(-1))"
    )
    return [int(value) for value in found]


def test_an_action_is_done_by_keyboard_alone(scripts_emails: Page, account: HostingAccount) -> None:
    page = scripts_emails
    dialog = page.get_by_role("dialog")
    block = page.locator("#action-block")
    block.focus()
    page.keyboard.press("Enter")
    expect(dialog).to_be_visible()
    expect(dialog).to_have_accessible_name("Bloquer l’envoi")
    expect(dialog.get_by_role("button", name="Valider")).to_be_focused()

    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(block).to_be_focused()
    assert HostingAccount.objects.get(pk=account.pk).state == "ok"

    page.keyboard.press("Enter")
    expect(dialog.get_by_role("button", name="Valider")).to_be_focused()
    page.keyboard.press("Tab")
    expect(dialog.get_by_role("button", name="Annuler")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(block).to_be_focused()

    page.keyboard.press("Enter")
    expect(dialog.get_by_role("button", name="Valider")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    alert = page.locator("#alerts .alert")
    expect(alert).to_contain_text("L’envoi est bloqué.")
    expect(alert).to_be_focused()
    expect(page.locator("#part-facts .badge")).to_have_text("Désactivé")
    assert HostingAccount.objects.get(pk=account.pk).state == "ko"


def test_a_purge_begins_at_cancel(scripts_emails: Page, account: HostingAccount) -> None:
    service.block(account.pk, "x", timezone.now())
    scripts_emails.reload()
    scripts_emails.locator("#action-purge").click()
    cancel = scripts_emails.get_by_role("dialog").get_by_role("button", name="Annuler")
    expect(cancel).to_be_focused()


def test_it_follows_without_a_reload_and_disturbs_nobody(
    scripts_emails: Page, account: HostingAccount, submit: Submit
) -> None:
    page = scripts_emails
    page.evaluate("window.wasNotReloaded = true")
    page.get_by_text("Voir le tableau").click()
    page.locator("#action-block").focus()
    assert _charted(page) == [0, 0, 0]

    submit(timezone.now())
    expect(page.locator("#part-queue")).to_contain_text("client1@example.org")
    # Not by Playwright's own wait_for_function: it evaluates text in the page, which may not.
    eventually(lambda: _charted(page) == [0, 0, 1])
    expect(page.locator("#history")).to_be_visible()
    expect(page.locator("#action-block")).to_be_focused()

    service.block(account.pk, "somebody", timezone.now())
    expect(page.locator("#part-facts .badge")).to_have_text("Désactivé")
    expect(page.locator("#part-explanation")).to_contain_text("Par somebody")
    expect(page.locator("#action-block")).to_be_disabled()
    expect(page.locator("#history")).to_be_visible()
    assert page.evaluate("window.wasNotReloaded")


def test_the_focus_stays_when_its_button_is_replaced(
    scripts_emails: Page, account: HostingAccount
) -> None:
    service.block(account.pk, "x", timezone.now())
    scripts_emails.reload()
    purge = scripts_emails.locator("#action-purge")
    purge.focus()
    line = scripts_emails.locator("#action-purge-line")
    HostingAccount.objects.update(review_required=True)
    expect(line).to_contain_text("SPAM")
    expect(purge).to_be_focused()


def test_a_click_that_came_too_late_is_told(
    visit: Visit, scripts_emails: Page, account: HostingAccount
) -> None:
    scripts_emails.locator("#action-block").click()
    valider = scripts_emails.get_by_role("dialog").get_by_role("button", name="Valider")
    expect(valider).to_be_visible()
    service.block(account.pk, "somebody", timezone.now())
    valider.click()
    expect(scripts_emails.locator("#alerts")).to_contain_text(
        "Rien n’a été changé. L’envoi est déjà arrêté."
    )
    expect(scripts_emails.get_by_role("dialog")).to_be_hidden()
    # The browser and htmx both say the status.
    assert all("409" in error for error in visit.errors)
    visit.errors.clear()


def test_a_form_that_is_out_of_date_is_told(visit: Visit, scripts_emails: Page) -> None:
    scripts_emails.locator("#action-block").click()
    valider = scripts_emails.get_by_role("dialog").get_by_role("button", name="Valider")
    expect(valider).to_be_visible()
    scripts_emails.context.clear_cookies(name="csrftoken")
    valider.click()
    expect(scripts_emails.locator("#alerts")).to_contain_text("Ce formulaire n’est plus valable")
    assert all("403" in error for error in visit.errors)
    visit.errors.clear()


def test_a_silent_panel_is_told_until_it_answers_again(visit: Visit, scripts_emails: Page) -> None:
    scripts_emails.route("**/live/**", lambda route: route.abort())
    silent = scripts_emails.get_by_text("Le panneau ne répond pas.")
    expect(silent).to_be_visible()
    scripts_emails.unroute("**/live/**")
    expect(silent).to_be_hidden()
    visit.errors.clear()


def test_whoever_was_signed_out_comes_to_the_login(scripts_emails: Page) -> None:
    scripts_emails.context.clear_cookies()
    scripts_emails.wait_for_url(re.compile("/login/.*scripts-emails"))


def _bars(page: Page) -> int:
    return int(page.evaluate("Chart.getChart('chart').data.labels.length"))


def test_the_chart_changes_its_period_without_a_reload(
    scripts_emails: Page, submit: Submit
) -> None:
    page = scripts_emails
    page.evaluate("window.wasNotReloaded = true")
    page.locator("#period-90d").focus()
    page.keyboard.press("Enter")
    eventually(lambda: _bars(page) == 90)
    expect(page.locator("#period-90d")).to_have_attribute("aria-current", "true")
    expect(page.locator("#period-90d")).to_be_focused()
    expect(page).to_have_url(re.compile(r"\?period=90d$"))
    expect(page.get_by_role("status").filter(has_text="90 derniers jours")).to_be_visible()

    # It stays when the page follows by itself, and when an action has been done.
    submit(timezone.now())
    eventually(lambda: _charted(page) == [0, 0, 1])
    assert _bars(page) == 90
    page.locator("#action-block").click()
    page.get_by_role("dialog").get_by_role("button", name="Valider").click()
    expect(page.locator("#part-facts .badge")).to_have_text("Désactivé")
    assert _bars(page) == 90
    expect(page.locator("#part-changes")).to_contain_text("Envoi bloqué")
    assert page.evaluate("window.wasNotReloaded")

    page.go_back()
    expect(page.locator("#period-30d")).to_have_attribute("aria-current", "true")
    eventually(lambda: _bars(page) == 30)


def test_a_day_is_chosen_by_keyboard_and_left_again(scripts_emails: Page) -> None:
    page = scripts_emails
    chart = page.get_by_role("slider", name="Historique des e-mails envoyés")
    page.locator("#period-90d").focus()
    page.keyboard.press("Tab")
    expect(chart).to_be_focused()
    expect(chart).to_have_attribute("aria-valuenow", "30")
    page.keyboard.press("ArrowLeft")
    expect(chart).to_have_attribute("aria-valuenow", "29")
    expect(chart).to_have_attribute(
        "aria-valuetext", re.compile(r"20\d\d, Distribués 0, En erreur 0, En attente 0$")
    )
    page.keyboard.press("Enter")
    expect(page.locator("#zoom-back")).to_have_text("Revenir aux 30 derniers jours")
    eventually(lambda: _bars(page) in {23, 24, 25})
    expect(chart).to_be_focused()
    expect(chart).to_have_attribute("aria-valuetext", re.compile("^23:00"))
    page.keyboard.press("Escape")
    expect(page.locator("#zoom-back")).to_have_count(0)
    eventually(lambda: _bars(page) == 30)


def test_a_day_is_chosen_by_a_click_on_its_bar_or_in_the_table(scripts_emails: Page) -> None:
    page = scripts_emails
    # The tallest part of a chart without figures is its ground: any height will do.
    box = page.locator("#chart").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    back = page.locator("#zoom-back")
    expect(back).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?day=20"))
    page.locator("#zoom-previous").click()
    expect(page.locator("#zoom-next")).to_be_visible()
    back.click()
    expect(back).to_have_count(0)
    # The link has gone; the focus has not.
    expect(page.locator("#period-30d")).to_be_focused()

    page.get_by_text("Voir le tableau").click()
    page.locator("#history a").nth(3).focus()
    page.keyboard.press("Enter")
    expect(back).to_be_focused()
    expect(page.locator("#history")).to_be_visible()
    expect(page.locator("#history caption")).to_contain_text("heure par heure")


def test_earlier_changes_come_without_a_reload(
    scripts_emails: Page, account: HostingAccount
) -> None:
    page = scripts_emails
    for number in range(12):
        click = service.unblock if number % 2 else service.block
        click(account.pk, f"actor{number:02d}", timezone.now())
    page.reload()
    page.evaluate("window.wasNotReloaded = true")
    expect(page.locator("#part-changes")).not_to_contain_text("actor01")
    page.get_by_role("link", name="Changements plus anciens").click()
    expect(page.locator("#part-changes")).to_contain_text("actor01")
    page.get_by_role("link", name="Retour aux plus récents").click()
    expect(page.locator("#part-changes")).to_contain_text("actor11")
    assert page.evaluate("window.wasNotReloaded")


def test_the_chart_follows_the_theme(scripts_emails: Page) -> None:
    colour = "Chart.getChart('chart').data.datasets[0].backgroundColor"
    scripts_emails.emulate_media(color_scheme="light")
    light = scripts_emails.evaluate(colour)
    scripts_emails.emulate_media(color_scheme="dark")
    eventually(lambda: scripts_emails.evaluate(colour) != light)


def test_the_menu_closes_by_escape_and_by_a_click_elsewhere(scripts_emails: Page) -> None:
    menu = scripts_emails.locator("details.menu")
    menu.locator("summary").click()
    expect(menu).to_have_attribute("open", "")
    scripts_emails.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", "")
    expect(menu.locator("summary")).to_be_focused()
    menu.locator("summary").click()
    scripts_emails.locator("h1").click()
    expect(menu).not_to_have_attribute("open", "")


def test_the_list_follows_what_is_typed(
    visit: Visit, administrator: User, account: HostingAccount, other: HostingAccount
) -> None:
    page = visit(administrator)
    page.goto("/web/hosting/")
    page.get_by_label("Rechercher un hébergement").press_sequentially("autre")
    expect(page.locator("#accounts")).not_to_contain_text("boutique.example")
    expect(page.locator("#accounts")).to_contain_text("autre.example")
    expect(page.get_by_label("Rechercher un hébergement")).to_be_focused()
    assert "?q=autre" in page.url
    page.get_by_role("link", name="autre.example").click()
    page.go_back()
    expect(page.locator("#accounts")).to_contain_text("1 hébergement")


def test_everything_works_without_script(
    visit: Visit, owner: User, account: HostingAccount, submit: Submit
) -> None:
    page = visit(None, java_script_enabled=False)
    page.goto("/")
    page.get_by_label("Identifiant ou adresse e-mail").fill("claire")
    page.get_by_label("Mot de passe").fill(PASSWORD)
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_label("Rechercher un hébergement").fill("bout")
    page.get_by_role("button", name="Rechercher").click()
    page.get_by_role("link", name="boutique.example").click()
    page.locator("details.menu summary").click()
    page.locator("details.menu").get_by_role("link", name="Scripts emails").click()

    badge = page.locator("#part-facts .badge")
    for button, state in (
        ("Bloquer l’envoi", "Désactivé"),
        ("Débloquer l’envoi", "Activé"),
        ("Bloquer l’envoi", "Désactivé"),
        ("Purger les e-mails", "Activé"),
    ):
        submit(timezone.now())
        page.get_by_role("button", name=button, exact=True).click()
        expect(page.get_by_role("heading", name=button)).to_be_visible()
        page.get_by_role("link", name="Annuler").click()
        page.get_by_role("button", name=button, exact=True).click()
        page.get_by_role("button", name="Valider").click()
        expect(badge).to_have_text(state)
        expect(page.locator("#alerts .alert-success")).to_be_visible()
    expect(page.locator("#part-queue")).to_contain_text("La file d’attente est vide.")
    # The picture needs script; its table does not.
    expect(page.locator("#chart")).to_be_hidden()
    page.get_by_text("Voir le tableau").click()
    expect(page.locator("#history")).to_be_visible()
    page.get_by_role("link", name="7 jours", exact=True).click()
    page.get_by_text("Voir le tableau").click()
    page.locator("#history a").first.click()
    page.get_by_text("Voir le tableau").click()
    expect(page.locator("#history caption")).to_contain_text("heure par heure")
    page.get_by_role("link", name="Revenir aux 7 derniers jours").click()
    expect(page.locator("#period-7d")).to_have_attribute("aria-current", "true")

    page.get_by_role("button", name="English").click()
    expect(page.get_by_text("The queue is empty.")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/login/"))


def test_the_ways_out_of_a_stop_are_numbered(scripts_emails: Page, account: HostingAccount) -> None:
    service.block(account.pk, "claire", timezone.now())
    scripts_emails.reload()
    first = scripts_emails.locator("#part-explanation ol > li").first
    expect(first).to_have_css("list-style-type", "decimal")
