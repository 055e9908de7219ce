"""Setting up a second factor in a real browser: every page of it is accessible."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from panel.models import User
from tests.browser.conftest import Visit
from tests.panel.conftest import PASSWORD
from tests.panel.test_two_factor import code

pytestmark = pytest.mark.browser


def complaints(page: Page) -> list[str]:
    return [f"{page.url} {found['id']}" for found in Axe().run(page).response["violations"]]


@pytest.mark.parametrize(
    ("theme", "width"), [("light", 1280), ("dark", 320)], ids=["light desktop", "dark phone"]
)
def test_it_is_set_up_and_asked_for(visit: Visit, owner: User, theme: str, width: int) -> None:
    found = []
    options = {"color_scheme": theme, "viewport": {"width": width, "height": 844}}
    page = visit(owner, **options)

    def look() -> None:
        found.extend(complaints(page))
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.append(f"{page.url} scrolls sideways")

    page.goto("/2fa/")
    page.get_by_role("link", name="Activer").click()
    look()
    page.get_by_label("Mot de passe").fill(PASSWORD)
    page.get_by_role("button", name="Valider").click()
    page.get_by_role("img", name="Image pour l’application").wait_for()
    look()
    secret = page.locator("dd code").inner_text()
    page.get_by_label("Code").fill(code(secret, -1))
    page.get_by_role("button", name="Activer").click()
    page.get_by_role("heading", name="Codes de secours").wait_for()
    look()
    for address in ("/2fa/", "/2fa/off/", "/2fa/recovery/new/"):
        page.goto(address)
        look()

    page = visit(None, **options)
    page.goto("/login/")
    page.get_by_label("Identifiant").fill("claire")
    page.get_by_label("Mot de passe").fill(PASSWORD)
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("heading", name="Double authentification").wait_for()
    look()
    page.get_by_label("Code").fill(code(secret))
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("heading", name="Hébergements").wait_for()
    assert found == []
