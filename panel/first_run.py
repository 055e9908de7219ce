"""What exists after the first start and not before: an administrator."""

import secrets

from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from panel.models import User

LOGIN = "admin"


def needs_administrator() -> bool:
    """Whether nobody could administer this house."""
    return not User.objects.filter(is_staff=True, is_active=True).exists()


def check_password(password: str) -> None:
    """Raise ValidationError if `password` is too weak for the first administrator."""
    validate_password(password, User(username=LOGIN))


def create_administrator(password: str = "") -> str:
    """Make the first administrator and return the password, a random one if none is given.

    It is kept only as a hash. Raises IntegrityError if the login is taken.
    """
    password = password or secrets.token_urlsafe(15)
    with transaction.atomic():
        User.objects.create_superuser(LOGIN, password=password)
    return password
