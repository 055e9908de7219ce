"""Invitations by e-mail: the letter, the link, and who gets what by it."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.test.utils import override_settings
from django.utils import timezone

from mailqueue import queue
from mailqueue.models import HostingAccount, Recipient
from panel import invitations, throttle
from panel.models import AuditEntry, Invitation, Membership, User
from tests.panel.conftest import HTMX, PASSWORD, Browse

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/web/hosting/boutique.example/members/"
NEW = "nadia@boutique.example"
GOOD = "un long mot de passe à nous"


@pytest.fixture(autouse=True)
def _real_letters() -> Iterator[None]:
    """pytest-django puts a backend of its own before ours."""
    with override_settings(EMAIL_BACKEND="panel.mail.QueueBackend"):
        yield


def letter() -> str:
    """The newest letter, its soft line breaks undone."""
    row = Recipient.objects.order_by("-pk")[0]
    content = queue.content_of(row.message_id)
    assert content is not None
    return content.decode().replace("=\r\n", "").replace("=3D", "=")


def link() -> str:
    found = re.search(r"http://[^/\s]+(/invitations/\S+)", letter())
    assert found is not None
    return found[1]


Invite = Callable[..., str]


@pytest.fixture
def invite(browse: Browse, owner: User) -> Invite:
    """Invites as the owner; returns the link of the letter."""

    def send(email: str = NEW, role: str = "reader") -> str:
        response = browse(owner).post(PAGE, {"email": email, "role": role})
        assert response.status_code == 302
        return link()

    return send


def choose(login: str = NEW, password: str = GOOD, again: str | None = None) -> dict[str, str]:
    return {"login": login, "password1": password, "password2": again or password}


def role_of(login: str, account: HostingAccount) -> str | None:
    found = Membership.objects.filter(user__username=login, account=account).first()
    return found.role if found else None


def test_the_letter_goes_to_the_address_in_the_accounts_language(
    account: HostingAccount, invite: Invite
) -> None:
    HostingAccount.objects.filter(pk=account.pk).update(language="en")
    address = invite()
    row = Recipient.objects.get()
    assert (row.address, row.account.is_system) == (NEW, True)
    text = letter()
    assert "claire invites you to look after the e-mails of the scripts of boutique.example" in text
    assert f"{settings.PUBLIC_URL}{address}" in text
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.target, entry.details) == ("invite", NEW, {"role": "reader"})


def test_the_link_leads_to_our_own_address_whatever_the_request_says(
    browse: Browse, owner: User
) -> None:
    with override_settings(ALLOWED_HOSTS=["*"]):
        browse(owner).post(PAGE, {"email": NEW, "role": "reader"}, headers={"Host": "evil.example"})
    assert "evil.example" not in letter()


def test_the_database_does_not_hold_the_link(invite: Invite) -> None:
    token = invite().split("/")[2]
    row = Invitation.objects.values().get()
    assert token not in str(row)


def test_somebody_new_chooses_login_and_password_and_is_in(
    account: HostingAccount, invite: Invite, browse: Browse
) -> None:
    address = invite(role="reader")
    stranger = browse(None)
    text = stranger.get(address).content.decode()
    assert f'value="{NEW}"' in text
    assert "boutique.example" in text
    assert not User.objects.filter(email=NEW).exists(), "a scanner that follows links"
    response = stranger.post(address, choose("nadia"), follow=True)
    assert response.redirect_chain == [("/web/hosting/boutique.example/", 302)]
    assert "Vous avez maintenant accès à boutique.example" in response.content.decode()
    user = User.objects.get(username="nadia")
    assert (user.email, user.is_staff, user.is_superuser, user.language) == (
        NEW,
        False,
        False,
        "fr",
    )
    assert user.check_password(GOOD)
    assert role_of("nadia", account) == "reader"
    entry = AuditEntry.objects.get(action="accept_invitation")
    assert (entry.actor, entry.details["invited_by"]) == ("nadia", "claire")


def test_a_new_user_can_log_in_afterwards(invite: Invite, browse: Browse) -> None:
    browse(None).post(invite(), choose())
    response = browse(None).post("/login/", {"login": NEW, "password": GOOD})
    assert response.status_code == 302


@pytest.mark.parametrize(
    "values",
    [
        choose(password="court"),
        choose(password=NEW),
        choose(again="something else entirely"),
        choose(login=""),
        choose(login="claire"),
        choose(login="CLAIRE"),
        choose(login="claire@boutique.example"),
        choose(login="somebody@else.example"),
        choose(login="a b"),
        choose(login="x" * 151),
        choose(login="nul\x00"),
        {},
    ],
)
def test_what_cannot_be_a_login_or_a_password_is_said(
    account: HostingAccount, invite: Invite, browse: Browse, values: dict[str, str]
) -> None:
    address = invite()
    response = browse(None).post(address, values)
    assert response.status_code == 400
    assert "aria-invalid" in response.content.decode()
    assert User.objects.count() == 1
    assert browse(None).get(address).status_code == 200, "the link is not used up"


def test_somebody_logged_in_accepts_as_himself(
    account: HostingAccount, outsider: User, invite: Invite, browse: Browse
) -> None:
    address = invite("other-mailbox@autre.example", "owner")
    client = browse(outsider)
    text = client.get(address).content.decode()
    assert "Accepter en tant que paul" in text
    assert role_of("paul", account) is None
    assert client.post(address).status_code == 302
    assert role_of("paul", account) == "owner"
    assert User.objects.count() == 2


def test_an_address_that_has_a_user_logs_in_first_and_comes_back(
    account: HostingAccount, outsider: User, invite: Invite, browse: Browse
) -> None:
    address = invite("PAUL@autre.example")
    stranger = browse(None)
    text = stranger.get(address).content.decode()
    assert f'href="/login/?next={address}"' in text
    assert "password1" not in text
    response = stranger.post(address, choose("paul2"))
    assert response["Location"] == f"/login/?next={address}"
    assert not User.objects.filter(username="paul2").exists()
    stranger.force_login(outsider)
    stranger.post(address)
    assert role_of("paul", account) == "reader"


def test_the_way_through_the_login_page_and_out_again_leads_back(
    account: HostingAccount, outsider: User, invite: Invite, browse: Browse
) -> None:
    address = invite("paul@autre.example")
    client = browse(None)
    values = {"login": "paul", "password": PASSWORD, "next": address}
    assert client.post(f"/login/?next={address}", values)["Location"] == address
    assert "Accepter en tant que paul" in client.get(address).content.decode()
    assert client.post("/logout/", {"next": address})["Location"] == address
    assert "password1" not in client.get(address).content.decode()
    assert role_of("paul", account) is None


def test_a_closed_user_gets_no_second_user_by_an_invitation(
    outsider: User, invite: Invite, browse: Browse
) -> None:
    User.objects.filter(pk=outsider.pk).update(is_active=False)
    address = invite("paul@autre.example")
    assert "password1" not in browse(None).get(address).content.decode()


def test_a_link_works_once(account: HostingAccount, invite: Invite, browse: Browse) -> None:
    address = invite()
    browse(None).post(address, choose())
    assert browse(None).get(address).status_code == 410
    assert browse(None).post(address, choose("second")).status_code == 410
    assert not User.objects.filter(username="second").exists()


def test_a_link_ends_after_seven_days(
    account: HostingAccount, invite: Invite, browse: Browse, owner: User
) -> None:
    address = invite()
    sent = timezone.now() - timedelta(days=7, seconds=1)
    Invitation.objects.update(created_at=sent)
    response = browse(None).post(address, choose())
    assert response.status_code == 410
    assert "plus valable" in response.content.decode()
    assert not User.objects.filter(email=NEW).exists()
    assert "terminée" in browse(owner).get(PAGE).content.decode()


def test_a_revoked_link_ends_at_once(invite: Invite, browse: Browse, owner: User) -> None:
    address = invite()
    number = Invitation.objects.get().pk
    way = f"/web/hosting/boutique.example/invitations/{number}/revoke/"
    response = browse(owner).post(way, follow=True)
    assert "son lien ne fonctionne plus" in response.content.decode()
    assert browse(None).post(address, choose()).status_code == 410
    assert browse(owner).post(way).status_code == 404, "there is nothing left to revoke"
    assert AuditEntry.objects.filter(action="revoke_invitation", target=NEW).count() == 1


def test_sending_again_makes_a_new_link_and_ends_the_old_one(
    account: HostingAccount, invite: Invite, browse: Browse, owner: User
) -> None:
    first = invite()
    Invitation.objects.update(created_at=timezone.now() - timedelta(days=30))
    number = Invitation.objects.get().pk
    browse(owner).post(f"/web/hosting/boutique.example/invitations/{number}/again/")
    second = link()
    assert second != first
    assert browse(None).get(first).status_code == 410
    assert browse(None).post(second, choose()).status_code == 302
    assert role_of(NEW, account) == "reader"


@pytest.mark.parametrize("token", ["x", "a:b:c", "A" * 43, "0" * 64])
def test_a_forged_link_is_refused(
    token: str, invite: Invite, browse: Browse, outsider: User
) -> None:
    invite()
    assert browse(None).post(f"/invitations/{token}/", choose()).status_code == 410
    assert browse(outsider).post(f"/invitations/{token}/").status_code == 410
    assert not User.objects.filter(email=NEW).exists()


def test_the_digest_is_no_link(invite: Invite, browse: Browse) -> None:
    invite()
    assert browse(None).get(f"/invitations/{Invitation.objects.get().digest}/").status_code == 410


def test_an_invitation_takes_nothing_away(
    account: HostingAccount, owner: User, outsider: User, invite: Invite, browse: Browse
) -> None:
    browse(owner).post(invite("my-other-mailbox@boutique.example", "reader"))
    assert role_of("claire", account) == "owner"
    browse(outsider).post(invite("a@b.example", "reader"))
    browse(outsider).post(invite("b@b.example", "owner"))
    assert role_of("paul", account) == "owner"


def test_a_link_does_nothing_for_a_closed_account(
    account: HostingAccount, invite: Invite, browse: Browse
) -> None:
    address = invite()
    HostingAccount.objects.filter(pk=account.pk).update(closed_at=timezone.now())
    assert browse(None).post(address, choose()).status_code == 410


def test_a_click_that_comes_too_late_makes_no_user(
    account: HostingAccount, owner: User, invite: Invite, browse: Browse
) -> None:
    """The letter was sent again between the page and the click."""
    old = invitations.read(invite().split("/")[2], timezone.now())
    assert old is not None
    invitations.renew(old, owner, timezone.now())
    assert not invitations.accept(old, owner, timezone.now())


def test_an_invitation_of_another_account_is_none_of_this_one(
    browse: Browse, outsider: User, invite: Invite, other: HostingAccount
) -> None:
    invite()
    number = Invitation.objects.get().pk
    for verb in ("again", "revoke"):
        way = f"/web/hosting/autre.example/invitations/{number}/{verb}/"
        assert browse(outsider).post(way).status_code == 404
    assert Invitation.objects.get().revoked_at is None


def test_a_reader_can_neither_send_again_nor_revoke(
    browse: Browse, reader: User, invite: Invite
) -> None:
    invite()
    number = Invitation.objects.get().pk
    for verb in ("again", "revoke"):
        way = f"/web/hosting/boutique.example/invitations/{number}/{verb}/"
        assert browse(reader).post(way).status_code == 403
        assert browse(reader).post(way, headers=HTMX).status_code == 403
    assert Invitation.objects.get().revoked_at is None


def test_letters_are_throttled_for_each_user(
    browse: Browse, owner: User, administrator: User, account: HostingAccount
) -> None:
    client = browse(owner)
    for number in range(20):
        client.post(PAGE, {"email": f"a{number}@b.example", "role": "reader"})
    refused = client.post(PAGE, {"email": "late@b.example", "role": "reader"})
    assert refused.status_code == 400
    assert "Trop d’invitations" in refused.content.decode()
    first = Invitation.objects.order_by("pk")[0].pk
    client.post(f"/web/hosting/boutique.example/invitations/{first}/again/")
    assert Recipient.objects.count() == 20
    browse(administrator).post(PAGE, {"email": "late@b.example", "role": "reader"})
    assert Recipient.objects.count() == 21


def test_the_throttle_opens_after_an_hour(owner: User) -> None:
    start = timezone.now()
    for number in range(20):
        invitations.count_letter(owner, start + timedelta(minutes=number))
    with pytest.raises(throttle.TooOften):
        invitations.count_letter(owner, start + timedelta(minutes=59))
    invitations.count_letter(owner, start + timedelta(minutes=60, seconds=1))
    with pytest.raises(throttle.TooOften):
        invitations.count_letter(owner, start + timedelta(minutes=60, seconds=2))


@pytest.mark.parametrize(
    ("email", "role"),
    [
        ("", "reader"),
        ("nobody", "reader"),
        ("a@b.example\nBcc: c@d.example", "reader"),
        ("a" * 300 + "@b.example", "reader"),
        (NEW, "king"),
        (NEW, ""),
        ("claire@boutique.example", "reader"),
        ("CLAIRE@boutique.example", "reader"),
    ],
)
def test_what_cannot_be_invited_is_said(
    browse: Browse, owner: User, account: HostingAccount, email: str, role: str
) -> None:
    response = browse(owner).post(PAGE, {"email": email, "role": role})
    assert response.status_code == 400
    assert not Recipient.objects.exists()
    assert not Invitation.objects.exists()


def test_nobody_is_invited_twice(browse: Browse, owner: User, invite: Invite) -> None:
    invite()
    response = browse(owner).post(PAGE, {"email": NEW.upper(), "role": "owner"})
    assert response.status_code == 400
    assert "déjà invitée" in response.content.decode()
    assert Recipient.objects.count() == 1


def test_a_hostile_sender_is_text_on_the_page(
    invite: Invite, browse: Browse, outsider: User
) -> None:
    address = invite()
    Invitation.objects.update(created_by="<script>x", email='"<b>x"@b.example')
    for user in (None, outsider):
        text = browse(user).get(address).content.decode()
        assert "<script>x" not in text
        assert '"<b>x' not in text


def test_the_page_is_kept_by_no_cache_and_takes_no_other_method(
    invite: Invite, browse: Browse
) -> None:
    address = invite()
    client: Client = browse(None)
    assert "no-store" in client.get(address)["Cache-Control"]
    assert client.put(address).status_code == 405


def test_who_tries_many_links_has_to_wait(browse: Browse) -> None:
    client = browse(None)
    statuses = [client.post("/invitations/forged/").status_code for _ in range(31)]
    assert statuses == [410] * 30 + [429]
