"""« Accès »: who sees the members of an account, and who changes them."""

from collections.abc import Callable

import pytest
from django.utils import timezone

from mailqueue.models import HostingAccount
from panel import members
from panel.models import AuditEntry, Invitation, Membership, User
from tests.panel.conftest import HTMX, PASSWORD, Browse

PAGE = "/web/hosting/boutique.example/members/"


def member_of(user: User, account: HostingAccount) -> Membership:
    return Membership.objects.get(user=user, account=account)


def role_page(member: Membership) -> str:
    return f"{PAGE}{member.pk}/role/"


def remove_page(member: Membership) -> str:
    return f"{PAGE}{member.pk}/remove/"


@pytest.fixture
def second(account: HostingAccount) -> User:
    """Another owner of the account."""
    user = User.objects.create_user("marc", "marc@boutique.example", PASSWORD)
    Membership.objects.create(user=user, account=account)
    return user


def roles(account: HostingAccount) -> dict[str, str]:
    rows = Membership.objects.filter(account=account)
    return dict(rows.values_list("user__username", "role"))


def test_members_and_their_roles_are_listed(browse: Browse, owner: User, reader: User) -> None:
    text = browse(owner).get(PAGE).content.decode()
    assert "<bdi>claire</bdi> <small>(vous)</small>" in text
    assert "<bdi>lise</bdi>" in text
    assert "Propriétaire" in text
    assert "Lecture seule" in text
    assert "Changer le rôle de lise" in text


def test_a_reader_sees_members_and_can_change_nothing(
    browse: Browse, owner: User, reader: User, account: HostingAccount
) -> None:
    client = browse(reader)
    text = client.get(PAGE).content.decode()
    assert "<bdi>claire</bdi>" in text
    assert "/role/" not in text
    assert "Inviter" not in text
    mine = member_of(reader, account)
    assert client.post(PAGE, {"email": "a@b.example", "role": "owner"}).status_code == 403
    assert client.post(role_page(mine), {"role": "owner"}).status_code == 403
    assert client.post(remove_page(member_of(owner, account))).status_code == 403
    assert roles(account) == {"claire": "owner", "lise": "reader"}
    assert not Invitation.objects.exists()


def test_open_invitations_are_hidden_from_readers(
    browse: Browse, owner: User, reader: User, account: HostingAccount
) -> None:
    Invitation.objects.create(
        email="secret@boutique.example",
        account=account,
        role="reader",
        digest="x",
        created_at=timezone.now(),
        created_by="claire",
    )
    assert "secret@boutique.example" in browse(owner).get(PAGE).content.decode()
    assert "secret@boutique.example" not in browse(reader).get(PAGE).content.decode()


def test_an_outsider_finds_nothing(
    browse: Browse, outsider: User, owner: User, account: HostingAccount
) -> None:
    client = browse(outsider)
    assert client.get(PAGE).status_code == 404
    assert client.post(remove_page(member_of(owner, account))).status_code == 404
    assert client.post(role_page(member_of(owner, account)), {"role": "reader"}).status_code == 404


def test_a_member_of_another_account_is_none_of_this_one(
    browse: Browse, owner: User, outsider: User, other: HostingAccount
) -> None:
    strange = member_of(outsider, other)
    client = browse(owner)
    assert client.get(role_page(strange)).status_code == 404
    assert client.post(remove_page(strange)).status_code == 404
    assert roles(other) == {"paul": "owner"}


def test_a_missing_member_is_not_found(browse: Browse, owner: User) -> None:
    assert browse(owner).get(PAGE + "987654321987654321/remove/").status_code == 404


def test_htmx_gets_the_page_and_a_refusal_as_a_fragment(
    browse: Browse, owner: User, reader: User
) -> None:
    assert "<html" in browse(owner).get(PAGE, headers=HTMX).content.decode()
    refused = browse(reader).post(PAGE, {}, headers=HTMX)
    assert refused.status_code == 403
    assert refused["HX-Retarget"] == "#alerts"


def test_an_owner_makes_a_reader_an_owner_and_it_is_noted(
    browse: Browse, owner: User, reader: User, account: HostingAccount
) -> None:
    client = browse(owner)
    page = role_page(member_of(reader, account))
    assert "Valider" in client.get(page).content.decode()
    response = client.post(page, {"role": "owner"}, follow=True)
    assert (
        "Le rôle de lise est maintenant «\N{NO-BREAK SPACE}Propriétaire"
        in response.content.decode()
    )
    assert roles(account)["lise"] == "owner"
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.target) == ("change_role", "claire", "lise")
    assert entry.details == {"before": "reader", "after": "owner"}


@pytest.mark.parametrize("wanted", ["", "king", "x" * 500])
def test_a_role_that_there_is_not_is_refused(
    browse: Browse, owner: User, reader: User, account: HostingAccount, wanted: str
) -> None:
    page = role_page(member_of(reader, account))
    assert browse(owner).post(page, {"role": wanted}).status_code == 400
    assert roles(account)["lise"] == "reader"


def test_the_last_owner_can_neither_leave_nor_step_down(
    browse: Browse, owner: User, reader: User, account: HostingAccount
) -> None:
    client = browse(owner)
    mine = member_of(owner, account)
    response = client.get(remove_page(mine))
    assert response.status_code == 409
    assert "dernier propriétaire" in response.content.decode()
    assert client.post(remove_page(mine)).status_code == 409
    refused = client.post(role_page(mine), {"role": "reader"})
    assert refused.status_code == 400
    assert "dernier propriétaire" in refused.content.decode()
    assert roles(account) == {"claire": "owner", "lise": "reader"}
    assert not AuditEntry.objects.exists()


def test_an_owner_who_cannot_log_in_is_no_owner_to_leave_behind(
    browse: Browse, owner: User, second: User, account: HostingAccount
) -> None:
    User.objects.filter(pk=second.pk).update(is_active=False)
    assert browse(owner).post(remove_page(member_of(owner, account))).status_code == 409


def test_an_administrator_may_remove_the_last_owner(
    browse: Browse, administrator: User, owner: User, account: HostingAccount
) -> None:
    client = browse(administrator)
    assert client.post(remove_page(member_of(owner, account))).status_code == 302
    assert roles(account) == {}
    assert "les administrateurs s’occupent" in client.get(PAGE).content.decode()


def test_who_removes_himself_is_told_what_happens_and_is_out(
    browse: Browse, owner: User, second: User, account: HostingAccount
) -> None:
    client = browse(owner)
    page = remove_page(member_of(owner, account))
    assert "C’est vous" in client.get(page).content.decode()
    assert roles(account) == {"claire": "owner", "marc": "owner"}, "a page changes nothing"
    response = client.post(page, follow=True)
    assert response.redirect_chain == [("/web/hosting/", 302)]
    assert client.get(PAGE).status_code == 404
    assert AuditEntry.objects.get().action == "remove_member"


def test_who_is_removed_cannot_come_back_by_an_invitation_of_his_own(
    browse: Browse, owner: User, second: User, account: HostingAccount, other: HostingAccount
) -> None:
    now = timezone.now()
    for number, (login, where) in enumerate(
        [("marc", account), ("claire", account), ("marc", other)]
    ):
        Invitation.objects.create(
            email=f"a{number}@b.example",
            account=where,
            role="owner",
            digest=str(number),
            created_at=now,
            created_by=login,
        )
    browse(owner).post(remove_page(member_of(second, account)))
    ended = Invitation.objects.filter(revoked_at__isnull=False)
    assert [row.email for row in ended] == ["a0@b.example"]


def test_two_owners_cannot_both_go(owner: User, second: User, account: HostingAccount) -> None:
    now = timezone.now()
    members.remove(member_of(owner, account), second, now)
    with pytest.raises(members.LastOwner):
        members.remove(member_of(second, account), second, now)


def test_a_hostile_login_is_text(browse: Browse, owner: User, account: HostingAccount) -> None:
    hostile = User.objects.create(username="<script>x", email='"<b>"@x.example')
    member = Membership.objects.create(user=hostile, account=account)
    for page in (PAGE, role_page(member), remove_page(member)):
        text = browse(owner).get(page).content.decode()
        assert "<script>x" not in text
        assert "&lt;script&gt;x" in text


def test_one_user_may_own_several_accounts(
    browse: Browse, owner: User, other: HostingAccount
) -> None:
    Membership.objects.create(user=owner, account=other)
    client = browse(owner)
    assert client.get("/web/hosting/autre.example/members/").status_code == 200
    assert client.get(PAGE).status_code == 200


def test_more_members_make_no_more_queries(
    browse: Browse,
    owner: User,
    account: HostingAccount,
    queries: Callable[[Callable[[], object]], int],
) -> None:
    client = browse(owner)
    client.get(PAGE)
    few = queries(lambda: client.get(PAGE))
    for number in range(20):
        user = User.objects.create_user(f"u{number}")
        Membership.objects.create(user=user, account=account, role="reader")
    assert queries(lambda: client.get(PAGE)) == few
