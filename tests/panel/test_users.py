"""« Utilisateurs »: who can log in, closed and opened again by administrators."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from django.test.utils import override_settings
from django.utils import timezone

from mailqueue import queue
from mailqueue.models import HostingAccount, Recipient
from panel import users
from panel.models import AuditEntry, Invitation, User
from tests.panel.conftest import HTMX, PASSWORD, Browse

PAGE = "/users/"
NEW = "zoe@hebergeur.example"


@pytest.fixture(autouse=True)
def _real_letters() -> Iterator[None]:
    """pytest-django puts a backend of its own before ours."""
    with override_settings(EMAIL_BACKEND="panel.mail.QueueBackend"):
        yield


@pytest.fixture
def second(db: None) -> User:
    """Another administrator."""
    return User.objects.create_user("anne", "anne@example.org", PASSWORD, is_staff=True)


def link() -> str:
    row = Recipient.objects.order_by("-pk")[0]
    content = queue.content_of(row.message_id)
    assert content is not None
    text = content.decode().replace("=\r\n", "").replace("=3D", "=")
    found = re.search(r"http://[^/\s]+(/invitations/\S+)", text)
    assert found is not None
    return found[1]


def deactivate(user: User) -> str:
    return f"{PAGE}{user.pk}/deactivate/"


def reactivate(user: User) -> str:
    return f"{PAGE}{user.pk}/reactivate/"


def is_active(user: User) -> bool:
    return User.objects.get(pk=user.pk).is_active


def test_users_are_listed_with_right_and_last_sign_in(
    browse: Browse, administrator: User, owner: User
) -> None:
    at = datetime(2026, 3, 11, 10, 30, tzinfo=UTC)
    User.objects.filter(pk=owner.pk).update(last_login=at, is_active=False)
    text = browse(administrator).get(PAGE).content.decode()
    assert "<bdi>admin</bdi> <small>(vous)</small>" in text
    assert "<bdi>claire</bdi>" in text
    assert "Administrateur" in text
    assert "11/03/2026 11:30" in text, "by the clock that most accounts have"
    assert "désactivé" in text
    assert "Réactiver claire" in text


def test_users_are_found_by_a_part_of_name_or_address(
    browse: Browse, administrator: User, owner: User, outsider: User
) -> None:
    client = browse(administrator)
    for search in ("CLAI", "@boutique"):
        text = client.get(PAGE, {"q": search}).content.decode()
        assert "<bdi>claire</bdi>" in text
        assert "<bdi>paul</bdi>" not in text
    text = client.get(PAGE, {"q": "<script>x"}).content.decode()
    assert "Aucun utilisateur" in text
    assert "<script>x" not in text


def test_users_come_in_pages(browse: Browse, administrator: User) -> None:
    User.objects.bulk_create([User(username=f"u{n:03d}") for n in range(120)])
    client = browse(administrator)
    text = client.get(PAGE, {"q": "u"}).content.decode()
    assert text.count("<bdi>u") == 50
    assert 'rel="next" href="?q=u&amp;page=2"' in text
    assert client.get(PAGE, {"page": "99999"}).content.decode().count("<bdi>u") == 21
    assert client.get(PAGE, {"page": "x"}).status_code == 200


@pytest.mark.parametrize("role", ["owner", "reader"])
def test_others_may_not(
    browse: Browse, administrator: User, request: pytest.FixtureRequest, role: str
) -> None:
    client = browse(request.getfixturevalue(role))
    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE, {"email": NEW}).status_code == 403
    assert client.post(deactivate(administrator), headers=HTMX).status_code == 403
    assert client.post(reactivate(administrator)).status_code == 403
    assert "Utilisateurs" not in client.get("/web/hosting/").content.decode()
    assert is_active(administrator)
    assert not Invitation.objects.exists()


def test_closing_a_user_logs_him_out_and_is_noted(
    browse: Browse, administrator: User, owner: User, account: HostingAccount
) -> None:
    his = browse(owner)
    assert his.get("/web/hosting/").status_code == 200
    client = browse(administrator)
    assert "ne peut plus se connecter" in client.get(deactivate(owner)).content.decode()
    assert is_active(owner), "a page changes nothing"
    client.post(deactivate(owner))
    assert not is_active(owner)
    assert his.get("/web/hosting/").status_code == 302
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.target) == ("deactivate_user", "admin", "claire")
    client.post(reactivate(owner))
    assert is_active(owner)
    assert browse(owner).get("/web/hosting/boutique.example/").status_code == 200


def test_what_a_closed_user_has_sent_ends(
    browse: Browse, administrator: User, owner: User, account: HostingAccount
) -> None:
    for number, login in enumerate(["claire", "admin"]):
        Invitation.objects.create(
            email=f"{number}@b.example",
            account=account,
            role="owner",
            digest=str(number),
            created_at=timezone.now(),
            created_by=login,
        )
    browse(administrator).post(deactivate(owner))
    assert Invitation.objects.get(revoked_at__isnull=False).created_by == "claire"


def test_nobody_closes_himself(browse: Browse, administrator: User, second: User) -> None:
    client = browse(administrator)
    assert client.get(deactivate(administrator)).status_code == 409
    assert client.post(deactivate(administrator)).status_code == 409
    assert is_active(administrator)
    assert not AuditEntry.objects.exists()


def test_two_administrators_cannot_close_each_other(administrator: User, second: User) -> None:
    users.deactivate(second, administrator, timezone.now())
    with pytest.raises(users.Refused):
        users.deactivate(administrator, second, timezone.now())
    assert is_active(administrator)


def test_a_missing_user_is_not_found(browse: Browse, administrator: User) -> None:
    client = browse(administrator)
    assert client.get(PAGE + "987654321987654321/deactivate/").status_code == 404
    assert client.post(PAGE + "987654321/reactivate/").status_code == 404
    assert client.post(PAGE + "invitations/987654321/again/").status_code == 404


def test_an_administrator_invites_another(browse: Browse, administrator: User) -> None:
    response = browse(administrator).post(PAGE, {"email": NEW}, follow=True)
    assert NEW in response.content.decode()
    stranger = browse(None)
    assert "administrateur" in stranger.get(link()).content.decode()
    values = {"login": "zoe", "password1": PASSWORD, "password2": PASSWORD}
    assert stranger.post(link(), values)["Location"] == "/dashboard/"
    user = User.objects.get(username="zoe")
    assert user.is_staff
    assert not user.is_superuser
    assert stranger.get(PAGE).status_code == 200


def test_a_user_becomes_an_administrator_by_an_invitation(
    browse: Browse, administrator: User, owner: User
) -> None:
    browse(administrator).post(PAGE, {"email": owner.email})
    client = browse(owner)
    assert client.get(PAGE).status_code == 403
    client.post(link())
    assert client.get(PAGE).status_code == 200


def test_an_invitation_of_an_administrator_is_sent_again_and_revoked(
    browse: Browse, administrator: User
) -> None:
    client = browse(administrator)
    client.post(PAGE, {"email": NEW})
    first = link()
    number = Invitation.objects.get().pk
    client.post(f"{PAGE}invitations/{number}/again/")
    assert browse(None).get(first).status_code == 410
    assert browse(None).get(link()).status_code == 200
    client.post(f"{PAGE}invitations/{number}/revoke/")
    assert browse(None).get(link()).status_code == 410


def test_an_invitation_of_an_account_is_none_of_administrators(
    browse: Browse, administrator: User, account: HostingAccount
) -> None:
    row = Invitation.objects.create(
        email=NEW,
        account=account,
        role="owner",
        digest="x",
        created_at=timezone.now(),
        created_by="claire",
    )
    client = browse(administrator)
    assert NEW not in client.get(PAGE).content.decode()
    assert client.post(f"{PAGE}invitations/{row.pk}/revoke/").status_code == 404


@pytest.mark.parametrize("email", ["", "nobody", "admin@example.org", "a@b.example\nBcc: c@d.e"])
def test_what_cannot_be_invited_is_said(browse: Browse, administrator: User, email: str) -> None:
    assert browse(administrator).post(PAGE, {"email": email}).status_code == 400
    assert not Invitation.objects.exists()


def test_more_users_make_no_more_queries(
    browse: Browse, administrator: User, queries: Callable[[Callable[[], object]], int]
) -> None:
    client = browse(administrator)
    client.get(PAGE)
    few = queries(lambda: client.get(PAGE))
    User.objects.bulk_create([User(username=f"u{n:03d}") for n in range(40)])
    assert queries(lambda: client.get(PAGE)) == few
