"""What people type into pages, checked."""

from django import forms
from django.utils.translation import gettext as _

from mailqueue.bounces import Category
from mailqueue.history import Period

# What both databases take as a number of a row or a page.
LARGEST_NUMBER = 2**31 - 1
LARGEST_ROW = 2**63 - 1


class ListForm(forms.Form):
    """What the list of accounts is asked for. Nonsense is as good as nothing."""

    q = forms.CharField(required=False, max_length=253)
    sort = forms.CharField(required=False, max_length=32)
    page = forms.IntegerField(required=False, min_value=1, max_value=LARGEST_NUMBER)


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


class ErrorsForm(forms.Form):
    """Which e-mails in error are wanted. Nonsense is as good as nothing."""

    PERIODS = (1, 7, 30, 90)

    q = forms.CharField(required=False, max_length=253)
    category = forms.ChoiceField(
        required=False, choices=[(item.value, item.value) for item in Category]
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
