"""The guide's three cases of the state SPAM, in a browser, on real mail from real PHP.

A form that a robot uses, a mailer that somebody put on the site, and an honest newsletter that
shouts. Each time the owner finds the script, mends it, and purges; the third time within a month
an administrator looks before mail goes on.
"""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from playwright.sync_api import Page, expect

from tests.flow.test_browser_journey import PURGE, UNBLOCK, click
from tests.support import php
from tests.support.browser import browser_page
from tests.support.house import ACCOUNT, PASSWORD, House, free_port, house
from tests.support.remote import Remote
from tests.support.spam import SPAM_SUBJECT, SPAM_TEXT
from tests.support.waiting import eventually

pytestmark = pytest.mark.browser

OWNER = "claire@boutique.example"
SCRIPTS_EMAILS = f"/web/hosting/{ACCOUNT}/scripts-emails/"
# What writes to the visitor and, in its second form, asks him something that a robot cannot tell.
FORM = """<?php
{guard}
$sent = mail($_POST["email"], "Votre message", "Bonjour {{$_POST["name"]}},\\n\\nVotre message :\\n"
    . $_POST["message"] . "\\n", "From: site@boutique.example");
echo $sent ? "sent" : "refused";
"""
CAPTCHA = 'if (($_POST["captcha"] ?? "") !== "sept") { exit("captcha"); }'
PILLS = (
    "Buy cheap Viagra and Cialis without prescription at our online pharmacy, 100% natural,"
    " discreet shipping, order now http://pills-shop.top/buy"
)
MAILER = """<?php
for ($n = 0; $n < 6; $n++)
    mail("victim$n@example.net", {subject}, {text}, 'From: "PayPal Service" <a@boutique.example>');
"""
LOUD = """<p style="font-size:90px">GRANDE BRADERIE chez nous ce samedi</p>
<p style="color:#ffffff">promotion soldes remise cadeau promotion soldes remise cadeau promotion</p>
<p>Bonjour, notre braderie commence samedi.</p>
<p><a href="http://boutique .example/">Voir</a> <a href="http://bit.ly/abc">ici</a></p>"""
CALM = "<h1>Notre braderie</h1><p>Bonjour, notre braderie commence samedi. À bientôt chez nous.</p>"
NEWSLETTER = """<?php
for ($n = 0; $n < 5; $n++)
    mail("reader$n@example.org", {subject}, {text}, ["From" => "Boutique <site@boutique.example>",
        "MIME-Version" => "1.0", "Content-Type" => "text/html; charset=utf-8"]);
"""
MAKE_OWNER = f"""
from mailqueue.models import HostingAccount
from panel.models import Membership, User
owner = User.objects.create_user("{OWNER}", "{OWNER}", "{PASSWORD}", language="fr")
Membership.objects.create(user=owner, account=HostingAccount.objects.get(is_system=False))
"""
SEND_ALERTS = (
    "from datetime import UTC, datetime; from panel.alerts import send_due;"
    " send_due(datetime.now(UTC))"
)


@pytest.fixture(scope="module")
def owned(mx: Remote) -> Iterator[House]:
    """A house whose account has an owner."""
    with house(smarthost=f"127.0.0.1:{mx.port}", sweep_seconds="1") as new:
        made = new.manage("shell", "-c", MAKE_OWNER)
        assert made.returncode == 0, made.stderr
        new.start()
        yield new
    print(new.output)


@pytest.fixture
def page(owned: House) -> Iterator[Page]:
    """The page « Scripts emails », as the owner sees it."""
    with browser_page(owned.url) as new:
        log_in(new, OWNER)
        yield new


def log_in(page: Page, login: str) -> None:
    page.goto(SCRIPTS_EMAILS)
    page.locator("input[name=login]").fill(login)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("main button[type=submit]").click()


@contextmanager
def website(home: House) -> Iterator[tuple[Path, str]]:
    """A site as PHP's own web server serves it: its folder and its address."""
    folder, port = home.folder / "site", free_port()
    folder.mkdir()
    interpreter, *options, _file = php.command(folder, home.sendmail)
    with subprocess.Popen(
        [interpreter, *options, "-S", f"127.0.0.1:{port}", "-t", str(folder)],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            yield folder, f"http://127.0.0.1:{port}/"
        finally:
            server.terminate()


def ask(address: str, **fields: str) -> str:
    """What a page of the site answers, once it answers."""

    def answer() -> str:
        try:
            with urlopen(address, urlencode(fields).encode(), timeout=10) as response:
                return str(response.read().decode()) or "empty"
        except URLError:
            return ""

    return eventually(answer)


def is_stopped(page: Page) -> None:
    expect(page.locator("#part-facts .badge")).to_have_text("SPAM", timeout=20_000)
    # Débloquer is no way out of it.
    expect(page.locator("#part-actions").get_by_role("button", name=UNBLOCK)).to_be_disabled()


def analysis(page: Page, script: str, *found: str) -> None:
    """The page of the case names the script and what was found; three e-mails are shown."""
    page.locator("#part-explanation").get_by_role("link", name="Voir toute l’analyse").click()
    expect(page.locator("section", has_text="Scripts d’origine").last).to_contain_text(script)
    for words in found:
        expect(page.locator(".found-rules")).to_contain_text(words)
    assert page.locator(".evidence > li").count() == 3


def purge(page: Page) -> None:
    page.goto(SCRIPTS_EMAILS)
    click(page, PURGE)


def letters(home: House, mx: Remote, number: int) -> list[str]:
    """The letters about abuse that the owner has got, as text, once there are so many."""
    assert home.manage("shell", "-c", SEND_ALERTS).returncode == 0

    def look() -> list[str]:
        mine = [message for message in list(mx.messages) if OWNER in message.recipients]
        parsed = [message_from_bytes(one.content, policy=policy.default) for one in mine]
        found = [one for one in parsed if "Abus" in str(one["Subject"])]
        bodies = [one.get_body(("plain",)) for one in found]
        return [str(body.get_content()) for body in bodies if body is not None]

    return eventually(lambda: found if len(found := look()) == number else [])


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def addresses(mx: Remote) -> set[str]:
    return {address for message in list(mx.messages) for address in message.recipients}


def test_the_guide_s_three_cases(owned: House, mx: Remote, page: Page) -> None:
    with website(owned) as (site, address):
        # Case 1: a robot uses the contact form.
        form = site / "contact.php"
        form.write_text(FORM.format(guard=""))
        for number in range(6):
            ask(address + "contact.php", name="Bob", email=f"v{number}@example.net", message=PILLS)
        is_stopped(page)
        expect(page.locator("#part-explanation")).to_contain_text("Vend des médicaments")
        analysis(page, "contact.php", "Vend des médicaments")
        [letter] = letters(owned, mx, 1)
        assert "contact.php" in letter
        assert "Vend des médicaments" in letter
        page.get_by_text(re.compile("Cas n.*1.*formulaire")).click()
        page.get_by_role("checkbox", name=re.compile("captcha")).check()
        form.write_text(FORM.format(guard=CAPTCHA))
        purge(page)
        expect(page.locator("#part-facts .badge")).to_have_text("Activé", timeout=20_000)
        robot = {"name": "Bob", "email": "v9@example.net", "message": PILLS}
        assert ask(address + "contact.php", **robot) == "captcha"
        visitor = {
            "name": "Zoé",
            "email": "zoe@example.org",
            "message": "Êtes-vous ouverts lundi ?",
        }
        assert ask(address + "contact.php", **visitor, captcha="sept") == "sent"
        eventually(lambda: "zoe@example.org" in addresses(mx))

        # Case 2: somebody has put a mailer among the uploads.
        uploads = site / "wp-content" / "uploads"
        uploads.mkdir(parents=True)
        mailer = uploads / "x7f.php"
        mailer.write_text(MAILER.format(subject=quoted(SPAM_SUBJECT), text=quoted(SPAM_TEXT)))
        ask(f"{address}wp-content/uploads/x7f.php")
        is_stopped(page)
        analysis(page, "x7f.php", "Demande des mots de passe")
        expect(page.locator("main")).to_contain_text("Autres arrêts pour SPAM")
        mailer.unlink()
        purge(page)
        expect(page.locator("#part-facts .badge")).to_have_text("Activé", timeout=20_000)

        # Case 3: an honest newsletter shouts; for the third time an administrator must look.
        sender = site / "newsletter.php"
        loud = quoted("FREE CADEAUX POUR VOUS TOUS")
        sender.write_text(NEWSLETTER.format(subject=loud, text=quoted(LOUD)))
        ask(address + "newsletter.php")
        is_stopped(page)
        analysis(page, "newsletter.php", "majuscules dans l’objet", "couleur de son fond")
        purge(page)
        expect(page.locator("#part-explanation")).to_contain_text("Un administrateur doit")
        expect(page.locator("#part-facts .badge")).to_have_text("SPAM")
        page.get_by_role("link", name="Demander un examen").click()
        page.locator("textarea").fill("La newsletter ne crie plus.")
        page.get_by_role("button", name="Valider").click()
        expect(page.locator("main")).to_contain_text("Votre déclaration est envoyée.")
        sender.write_text(
            NEWSLETTER.format(subject=quoted("Notre braderie de samedi"), text=quoted(CALM))
        )
        _lift(owned, page)
        page.goto(SCRIPTS_EMAILS)
        expect(page.locator("#part-facts .badge")).to_have_text("Activé")
        ask(address + "newsletter.php")
        eventually(lambda: {f"reader{n}@example.org" for n in range(5)} <= addresses(mx))

    assert not {one for one in addresses(mx) if one.startswith("v")}
    assert len(letters(owned, mx, 3)) == 3
    owned.ledger()


def _lift(home: House, page: Page) -> None:
    """An administrator finds the case in his list, reads it, and lifts the stop with a word."""
    browser = page.context.browser
    assert browser
    context = browser.new_context(base_url=home.url, locale="fr-FR")
    desk = context.new_page()
    log_in(desk, "admin")
    desk.get_by_role("link", name="Dossiers d’abus").click()
    desk.get_by_role("main").get_by_role("link", name=ACCOUNT).click()
    expect(desk.locator("main")).to_contain_text("La newsletter ne crie plus.")
    # The purge took the mail, and not the evidence.
    desk.get_by_role("link", name=re.compile("Voir cet e-mail")).first.click()
    shown = desk.frame_locator("iframe.letter")
    expect(shown.locator("body")).to_contain_text("GRANDE BRADERIE")
    desk.get_by_role("link", name="Retour à l’arrêt pour SPAM").click()
    desk.get_by_label("Un mot pour le propriétaire").fill("Merci, c’est mieux.")
    desk.get_by_role("button", name="Lever le blocage").click()
    expect(desk.locator("main")).to_contain_text("a levé le blocage")
    context.close()
