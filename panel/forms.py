"""What people type into pages, checked."""

import re
from typing import Any

from django import forms
from django.contrib.auth.forms import UsernameField
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext as _

from mailqueue.bounces import Category
from mailqueue.history import Period
from mailqueue.models import HostingAccount
from mailqueue.queue_view import Standing
from mailqueue.states import State
from panel import invitations
from panel.models import Membership, User

# What both databases take as a number of a row or a page.
LARGEST_NUMBER = 2**31 - 1
LARGEST_ROW = 2**63 - 1


class Numbers(forms.MultipleChoiceField):
    """Numbers of rows; which of them there are is for the database to say."""

    def to_python(self, value: Any) -> Any:
        """The numbers. Raises ValidationError for anything else."""
        written = super().to_python(value)
        if not all(re.fullmatch("[0-9]{1,18}", text) for text in written):
            raise ValidationError("no numbers")
        return [int(text) for text in written]

    def validate(self, value: Any) -> None:
        """Take any number, and none."""


class ListForm(forms.Form):
    """What the list of accounts is asked for. Nonsense is as good as nothing."""

    q = forms.CharField(required=False, max_length=253)
    sort = forms.CharField(required=False, max_length=32)
    state = forms.TypedChoiceField(
        required=False,
        coerce=State,
        empty_value=None,
        choices=[(state.value, state.value) for state in State],
    )
    page = forms.IntegerField(required=False, min_value=1, max_value=LARGEST_NUMBER)
    # Whether closed accounts are wanted too.
    closed = forms.BooleanField(required=False)


class PlaceForm(forms.Form):
    """Which part of « Scripts emails » is wanted. Nonsense is as good as nothing."""

    after = forms.IntegerField(required=False, min_value=0, max_value=LARGEST_ROW)
    earlier = forms.IntegerField(required=False, min_value=0, max_value=LARGEST_ROW)
    period = forms.TypedChoiceField(
        required=False,
        coerce=Period,
        empty_value=None,
        choices=[(period.value, period.value) for period in Period],
    )
    day = forms.DateField(required=False, input_formats=["%Y-%m-%d"])


class PurgeForm(forms.Form):
    """What an administrator may choose for a purge."""

    stay_blocked = forms.BooleanField(required=False)


class LiftForm(forms.Form):
    """What an administrator says to an owner when he lifts a stop."""

    word = forms.CharField(required=False, max_length=1000)


class StatementForm(forms.Form):
    """What an owner says was done about a stop."""

    statement = forms.CharField(max_length=4000)


class RefusalForm(forms.Form):
    """Why a stop stays."""

    word = forms.CharField(max_length=1000)


class CaseForm(forms.Form):
    """What an administrator answers to a case; a refusal says why."""

    LIFT = "lift"
    REFUSE = "refuse"

    answer = forms.ChoiceField(choices=[(LIFT, LIFT), (REFUSE, REFUSE)])
    word = forms.CharField(required=False, max_length=1000)

    def clean(self) -> dict[str, Any]:
        """Ask for a word where the stop stays."""
        values = self.cleaned_data
        if values.get("answer") == self.REFUSE and not values.get("word"):
            self.add_error("word", _("Say why the stop stays."))
        return values


class CasesForm(forms.Form):
    """Which cases are wanted. Nonsense is as good as nothing."""

    q = forms.CharField(required=False, max_length=253)
    # Those that have ended, too.
    all = forms.BooleanField(required=False)
    before = forms.IntegerField(required=False, min_value=0, max_value=LARGEST_ROW)


class SelectionForm(forms.Form):
    """Accounts that were chosen in the list: some by number, or all that the list has found."""

    account = Numbers(required=False)
    everything = forms.BooleanField(required=False)


class TesterForm(forms.Form):
    """A message to look at: pasted, or a file, which goes before."""

    source = forms.CharField(required=False, strip=False)
    file = forms.FileField(required=False, allow_empty_file=True)

    def message(self) -> bytes:
        """The bytes of the message."""
        file = self.cleaned_data["file"]
        if file is not None:
            content: bytes = file.read()
            return content
        pasted: str = self.cleaned_data["source"]
        return pasted.encode("utf-8", "replace")


class InvitationForm(forms.Form):
    """Who is invited, and, unless as an administrator, to which role."""

    email = forms.EmailField(max_length=254)
    role = forms.ChoiceField(choices=Membership.Role.choices, initial=Membership.Role.READER)

    def __init__(self, account: HostingAccount | None, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._account = account
        if account is None:
            del self.fields["role"]

    def clean_email(self) -> str:
        """Refuse who was invited already, and who is in already."""
        email: str = self.cleaned_data["email"]
        if invitations.open_for(self._account).filter(email__iexact=email).exists():
            raise ValidationError(
                _("This address is invited already: send the invitation again, or revoke it.")
            )
        known = User.objects.filter(email__iexact=email)
        if self._account is None:
            is_in = known.filter(is_staff=True).exists()
        else:
            is_in = known.filter(memberships__account=self._account).exists()
        if is_in:
            raise ValidationError(_("This address has access already."))
        return email


class RoleForm(forms.Form):
    """The role that a member is to have."""

    role = forms.ChoiceField(choices=Membership.Role.choices)


class NewUserForm(forms.Form):
    """With what somebody who was invited will log in."""

    login = UsernameField(max_length=150)
    password1 = forms.CharField(max_length=4096, strip=False)
    password2 = forms.CharField(max_length=4096, strip=False)

    def __init__(self, email: str, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._email = email

    @staticmethod
    def taken() -> str:
        """That somebody else logs in with this."""
        return _("This user name is taken.")

    def clean_login(self) -> str:
        """Refuse a login that is somebody else's, or that looks like somebody else's address."""
        login: str = self.cleaned_data["login"]
        User._meta.get_field("username").run_validators(login)
        if "@" in login and login.casefold() != self._email.casefold():
            raise ValidationError(_("A user name with @ must be the address that was invited."))
        if User.objects.filter(Q(username__iexact=login) | Q(email__iexact=login)).exists():
            raise ValidationError(self.taken())
        return login

    def clean(self) -> dict[str, Any]:
        """See that both passwords are one, and that it is a good one."""
        values = self.cleaned_data
        first, second = values.get("password1"), values.get("password2")
        if first and second and first != second:
            self.add_error("password2", _("The two passwords differ."))
        elif first:
            user = User(username=values.get("login", ""), email=self._email)
            try:
                validate_password(first, user)
            except ValidationError as error:
                self.add_error("password1", error)
        return values


class UsersForm(forms.Form):
    """Which users are wanted. Nonsense is as good as nothing."""

    q = forms.CharField(required=False, max_length=253)
    page = forms.IntegerField(required=False, min_value=1, max_value=LARGEST_NUMBER)


# Chosen in place of a category: what expired in the queue.
EXPIRED = "expired"


class ErrorsForm(forms.Form):
    """Which e-mails in error are wanted. Nonsense is as good as nothing."""

    PERIODS = (1, 7, 30, 90)

    q = forms.CharField(required=False, max_length=253)
    category = forms.ChoiceField(
        required=False,
        choices=[(item.value, item.value) for item in Category] + [(EXPIRED, EXPIRED)],
    )
    days = forms.TypedChoiceField(
        required=False, coerce=int, choices=[(days, days) for days in PERIODS]
    )
    before = forms.CharField(required=False, max_length=40)

    def days_wanted(self) -> int:
        """The length of the period in days; 30 unless something else was asked for."""
        return self.cleaned_data.get("days") or 30


class JournalForm(forms.Form):
    """Which entries of the journal are wanted. Nonsense is as good as nothing."""

    PERIODS = (1, 7, 30, 90, 366)

    account = forms.CharField(required=False, max_length=253)
    actor = forms.CharField(required=False, max_length=150)
    action = forms.CharField(required=False, max_length=32)
    days = forms.TypedChoiceField(
        required=False, coerce=int, choices=[(days, days) for days in PERIODS]
    )
    before = forms.CharField(required=False, max_length=40)

    def days_wanted(self) -> int:
        """The length of the period in days; 30 unless something else was asked for."""
        return self.cleaned_data.get("days") or 30


class AddressForm(forms.Form):
    """An address that may stand in the queue: odd ones do too."""

    address = forms.CharField(max_length=320)
    confirmed = forms.BooleanField(required=False)

    def clean_address(self) -> str:
        """The address, if it has a domain."""
        address: str = self.cleaned_data["address"]
        if "@" not in address or not address.isprintable():
            raise forms.ValidationError(_("This is no e-mail address."))
        return address


class ReportAddressForm(forms.Form):
    """The new address for the error report."""

    address = forms.EmailField(max_length=254)


class QueueForm(forms.Form):
    """Which part of the queue is wanted. Nonsense is as good as nothing."""

    SIZES = (50, 100, 200)

    q = forms.CharField(required=False, max_length=253)
    standing = forms.TypedChoiceField(
        required=False,
        coerce=Standing,
        empty_value=None,
        choices=[(item.value, item.value) for item in Standing],
    )
    show = forms.TypedChoiceField(
        required=False, coerce=int, choices=[(size, size) for size in SIZES]
    )
    after = forms.IntegerField(required=False, min_value=0, max_value=LARGEST_ROW)
    before = forms.IntegerField(required=False, min_value=0, max_value=LARGEST_ROW)


class TestMailForm(forms.Form):
    """Where a test e-mail goes."""

    __test__ = False  # for pytest: no test of ours

    address = forms.EmailField(max_length=254)
