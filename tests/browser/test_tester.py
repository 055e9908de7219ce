"""« Tester un e-mail » in a real browser: the answer beside what was pasted."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from panel.models import User
from tests.browser.conftest import Visit
from tests.browser.test_hostile import HOSTILE
from tests.browser.test_pages import DESKTOP, PHONE, _complaints

pytestmark = pytest.mark.browser

TESTER = "/web/hosting/boutique.example/scripts-emails/tester/"
CLEAN = "From: contact@boutique.example\nTo: a@example.org\nSubject: Bonjour\n\nMerci, à demain.\n"


def _test(page: Page, source: str) -> None:
    page.goto(TESTER)
    # At once, as a paste does: what is typed takes a browser seconds for some thousand lines.
    page.get_by_label("Source de l’e-mail").evaluate("(area, text) => area.value = text", source)
    page.get_by_role("main").get_by_role("button", name="Tester").click()


def hostile(text: str) -> str:
    """A message with a text wherever one can write, that meets many rules."""
    word = text.replace("\n", " ")
    return (
        f'From: "{word}" <{word}@example.org>\nTo: a@example.org\nSubject: FREE {word} VERY CHEAP\n'
        f"X-Mailer: {word}\nX-PHP-Originating-Script: 1:{word}.php\n"
        "Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/html\n\n"
        f'<a href="http://192.0.2.1/{word}">www.{word}.example</a> {word}\n'
        f'--x\nContent-Type: application/pdf; name="{word}.exe"\n\nMZ\n--x--\n'
    )


@pytest.mark.parametrize("has_script", [True, False], ids=["with script", "without"])
def test_what_was_pasted_stays_beside_the_answer(
    visit: Visit, owner: User, has_script: bool
) -> None:
    page = visit(owner, java_script_enabled=has_script)
    _test(page, CLEAN)
    expect(page.locator("#verdict-title")).to_have_text("Cet e-mail part")
    source = page.get_by_label("Source de l’e-mail")
    assert source.input_value() == CLEAN
    source.fill("Bonjour Marie")
    page.get_by_role("main").get_by_role("button", name="Tester").click()
    expect(page.get_by_role("alert")).to_contain_text("Il manque l’en-tête")
    assert source.input_value() == "Bonjour Marie"
    assert page.locator("#verdict-title").count() == 0
    visit.errors.clear()


def test_more_text_than_a_form_takes_is_not_lost(visit: Visit, owner: User, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10_000
    page = visit(owner)
    _test(page, "x\n" * 6000)
    expect(page.locator("#alerts")).to_contain_text("peut être envoyé comme fichier")
    assert page.get_by_label("Source de l’e-mail").input_value() == "x\n" * 6000
    visit.errors.clear()


def test_a_file_is_tested(visit: Visit, owner: User, tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_text(hostile("x"), encoding="utf-8")
    page = visit(owner)
    page.goto(TESTER)
    page.get_by_label("Ou un fichier").set_input_files(tmp_path / "a.eml")
    page.get_by_role("main").get_by_role("button", name="Tester").click()
    expect(page.locator("#verdict-title")).to_have_text("Cet e-mail serait retenu comme spam")
    expect(page.locator(".findings")).to_contain_text("x.exe")


def test_hostile_mail_is_shown_as_text(visit: Visit, owner: User) -> None:
    page = visit(owner, viewport=PHONE)
    foreign = "script, img, iframe, object, svg svg, [onerror], [onload], a[href^='javascript:']"
    for text in HOSTILE.values():
        _test(page, hostile(text))
        expect(page.locator("#verdict-title")).to_contain_text("Cet e-mail")
        assert page.title() != "hacked"
        assert page.locator("#answer").locator(foreign).count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.mark.parametrize(
    ("theme", "size"), [("light", DESKTOP), ("dark", PHONE)], ids=["light desktop", "dark phone"]
)
def test_the_answer_is_accessible(
    visit: Visit, owner: User, theme: str, size: dict[str, int]
) -> None:
    page = visit(owner, color_scheme=theme, viewport=size)
    complaints = []
    for source in (CLEAN, CLEAN.replace("Bonjour", "FREE VERY CHEAP THINGS"), hostile("x" * 99)):
        _test(page, source)
        page.locator("#verdict-title").wait_for()
        complaints += _complaints(page)
    assert complaints == []
