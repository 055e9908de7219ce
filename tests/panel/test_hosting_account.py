"""The page « Informations générales »."""

from collections.abc import Callable

from django.conf import settings

from mailqueue.models import HostingAccount
from panel.models import Membership, User
from tests.panel.conftest import Browse

PAGE = "/web/hosting/boutique.example/"


def test_it_tells_what_the_account_is(
    browse: Browse, owner: User, reader: User, account: HostingAccount
) -> None:
    HostingAccount.objects.update(uid=100001)
    text = browse(owner).get(PAGE).content.decode()
    for words in ("Informations générales", "claire", "lise", "100001", "3 mars 2021"):
        assert words in text
    assert "<small>Lecture seule</small>" in text
    assert "Europe/Paris" in text


def test_it_gives_the_line_to_paste_and_a_test_script(browse: Browse, owner: User) -> None:
    text = browse(owner).get(PAGE).content.decode()
    assert f'sendmail_path = "{settings.SENDMAIL} -t -i"' in text
    assert "&lt;?php" in text
    assert "The email has been sent successfully!" in text


def test_its_menu_leads_to_scripts_emails_without_script(browse: Browse, owner: User) -> None:
    text = browse(owner).get(PAGE).content.decode()
    menu = text[text.index("<details") : text.index("</details>")]
    assert "Plus" in menu
    assert f'href="{PAGE}scripts-emails/"' in menu
    assert "Scripts emails" in menu


def test_it_shows_hostile_text_escaped(browse: Browse, owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(username="<img src=x>")
    text = browse(owner).get(PAGE).content.decode()
    assert "&lt;img src=x&gt;" in text
    assert "<img src=x>" not in text


def test_more_owners_make_no_more_queries(
    browse: Browse,
    owner: User,
    account: HostingAccount,
    queries: Callable[[Callable[[], object]], int],
) -> None:
    client = browse(owner)
    few = queries(lambda: client.get(PAGE))
    for number in range(10):
        user = User.objects.create_user(f"user{number}")
        Membership.objects.create(user=user, account=account)
    assert queries(lambda: client.get(PAGE)) == few
