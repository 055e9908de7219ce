"""`manage.py createaccount`: an account, its owner, and nothing when a value is nonsense."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from mailqueue.models import HostingAccount
from panel.models import Membership, User

pytestmark = pytest.mark.django_db(transaction=True)


def create(*arguments: str) -> str:
    out = StringIO()
    call_command("createaccount", *arguments, stdout=out)
    return out.getvalue()


def test_it_makes_an_account_and_its_owner() -> None:
    said = create(
        "boutique.example", "--uid", "1001", "--owner", "claire@boutique.example",
        "--report-to", "rapports@boutique.example",
    )  # fmt: skip
    account = HostingAccount.objects.get()
    assert (account.service_name, account.uid) == ("boutique.example", 1001)
    assert account.report_to == "rapports@boutique.example"
    owner = Membership.objects.get(account=account, role="owner").user
    assert owner.email == "claire@boutique.example"
    assert owner.check_password(said.rsplit(" ", 1)[1].strip())
    assert not owner.is_staff


def test_an_owner_who_is_known_gets_the_account_and_keeps_the_password() -> None:
    create("a.example", "--uid", "1", "--owner", "claire@a.example")
    before = User.objects.get().password
    said = create("b.example", "--uid", "2", "--owner", "Claire@A.example")
    assert "password" not in said
    assert User.objects.get().password == before
    assert Membership.objects.count() == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("no domain", "--uid", "1"),
        ("a.example", "--uid", "-1"),
        ("a.example", "--uid", "1", "--owner", "nobody"),
        ("a.example", "--uid", "1", "--report-to", "nobody"),
    ],
)
def test_nonsense_is_refused_whole(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        create(*arguments)
    assert not HostingAccount.objects.exists()
    assert not User.objects.exists()
