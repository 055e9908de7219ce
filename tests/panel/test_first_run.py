"""The first administrator is made once, with a password that is shown once."""

import io

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from panel import first_run
from panel.models import User

pytestmark = pytest.mark.django_db


def createadmin() -> str:
    output = io.StringIO()
    call_command("createadmin", stdout=output)
    return output.getvalue()


def test_the_first_administrator_gets_a_random_password(settings: Settings) -> None:
    settings.ADMIN_PASSWORD = ""
    password = createadmin().split()[-1]
    assert len(password) >= 20
    user = User.objects.get()
    assert (user.username, user.is_staff, user.is_superuser) == ("admin", True, True)
    assert user.check_password(password)
    first_run.check_password(password)


def test_a_given_password_is_taken_and_not_shown(settings: Settings) -> None:
    settings.ADMIN_PASSWORD = "correct-horse-battery"
    assert settings.ADMIN_PASSWORD not in createadmin()
    assert User.objects.get().check_password(settings.ADMIN_PASSWORD)


def test_there_is_one_first_administrator(settings: Settings) -> None:
    settings.ADMIN_PASSWORD = ""
    createadmin()
    assert createadmin() == "There is an administrator already.\n"
    assert User.objects.count() == 1


def test_a_weak_password_is_refused(settings: Settings) -> None:
    settings.ADMIN_PASSWORD = "short"
    with pytest.raises(CommandError, match="FACTEUR_ADMIN_PASSWORD: "):
        createadmin()
    assert not User.objects.exists()
