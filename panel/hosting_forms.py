"""What administrators type about hosting accounts and their tokens.

Numbers and addresses are checked here as far as a field can; what is nonsense for an account is
known by `mailqueue.accounts`, whose errors come back by the name of the field.
"""

import copy
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mailqueue import accounts, limits, tokens
from mailqueue.models import HostingAccount, Screening
from panel.limit_words import labels

SCREENING_FIELDS = ("screening", "owners_overrule")
# Zones that mean another place on another machine.
OF_THIS_MACHINE = {"localtime", "Factory"}


@cache
def time_zones() -> list[tuple[str, str]]:
    """All time zones there are, for a list to choose from."""
    return [(name, name) for name in sorted(available_timezones() - OF_THIS_MACHINE)]


class AccountForm(forms.Form):
    """What may be said of any account."""

    uid = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=accounts.LARGEST_UID,
        label=gettext_lazy("Unix user (uid)"),
        help_text=gettext_lazy(
            "The number that “id -u” prints for the site’s user. Empty: its scripts need a token."
        ),
    )
    report_to = forms.EmailField(
        required=False, max_length=254, label=gettext_lazy("Error report to")
    )
    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        help_text=gettext_lazy("In which letters to its owners are written."),
    )
    time_zone = forms.ChoiceField(label=gettext_lazy("Time zone"))

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["language"].choices = settings.LANGUAGES  # type: ignore[attr-defined]
        self.fields["time_zone"].choices = time_zones()  # type: ignore[attr-defined]
        for field in self.fields.values():
            field.widget.attrs["autocomplete"] = "off"


class NewAccountForm(AccountForm):
    """A new account."""

    service_name = forms.CharField(
        max_length=253,
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("The main domain of the site, without “www.”"),
    )
    field_order = ("service_name",)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, initial={"time_zone": "Europe/Paris", "language": "fr"}, **options)


class ChangeForm(AccountForm):
    """What may be changed in an account, its limits too; an empty one is the house's."""

    copies_returns = forms.BooleanField(
        required=False,
        label=gettext_lazy("Copies of what comes back"),
        help_text=gettext_lazy(
            "Bounces and automatic answers also go to the sender that the script named, where this"
            " server takes what comes back (FACTEUR_BOUNCE_DOMAIN)."
        ),
    )

    screening = forms.ChoiceField(
        required=False, label=gettext_lazy("If an e-mail is judged to be spam")
    )
    owners_overrule = forms.TypedChoiceField(
        required=False,
        empty_value=None,
        coerce=lambda value: value == "yes",
        label=gettext_lazy("Owners may mark such e-mails as wanted"),
        help_text=gettext_lazy(
            "Never after a stop for spam, before a review, or where malware was found."
        ),
    )

    def __init__(self, account: HostingAccount, *args: Any, **options: Any) -> None:
        names = [*self.base_fields, *accounts.BOUNDS]
        initial = {name: getattr(account, name) for name in names}
        initial["owners_overrule"] = {True: "yes", False: "no", None: ""}[account.owners_overrule]
        super().__init__(*args, initial=initial, **options)
        house = {
            "screening": Screening(settings.SCREENING).label,
            "owners_overrule": _("yes") if settings.OWNERS_OVERRULE else _("no"),
        }
        choices: dict[str, list[tuple[str, Any]]] = {
            "screening": [*Screening.choices],
            "owners_overrule": [("yes", _("yes")), ("no", _("no"))],
        }
        for name, value in house.items():
            default = _("The default of this server: %(rule)s") % {"rule": value}
            self.fields[name].choices = [("", default), *choices[name]]  # type: ignore[attr-defined]
        words = labels()
        for name, (least, most) in accounts.BOUNDS.items():
            field = forms.IntegerField(
                required=False, min_value=least, max_value=most, label=words[name]
            )
            field.widget.attrs |= {"placeholder": _default(account, name), "autocomplete": "off"}
            self.fields[name] = field
        # A zone that this machine's list has lost is none to be changed by the way.
        zone = account.time_zone
        if (zone, zone) not in time_zones():
            self.fields["time_zone"].choices = [(zone, zone), *time_zones()]  # type: ignore[attr-defined]

    def limit_fields(self) -> list[forms.BoundField]:
        """The fields of its limits."""
        return [self[name] for name in accounts.BOUNDS]

    def screening_fields(self) -> list[forms.BoundField]:
        """The fields of screening."""
        return [self[name] for name in SCREENING_FIELDS]

    def general_fields(self) -> list[forms.BoundField]:
        """All other fields."""
        return [self[name] for name in self.base_fields if name not in SCREENING_FIELDS]


class TokenForm(forms.Form):
    """A new token."""

    name = forms.CharField(
        max_length=tokens.LONGEST_NAME,
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("What it is for, so that you know which one to revoke."),
    )
    uid = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=accounts.LARGEST_UID,
        label=gettext_lazy("Unix user (uid)"),
        help_text=gettext_lazy(
            "The only user from whom it counts with the sendmail command. Empty: it counts for SMTP"
            " scripts alone."
        ),
    )
    networks = forms.CharField(
        required=False,
        max_length=tokens.LONGEST_NETWORKS,
        label=gettext_lazy("Source networks"),
        help_text=gettext_lazy(
            "The only networks from which it counts for SMTP scripts, such as 192.0.2.0/24 or"
            " 2001:db8::/48, separated by blanks. Empty: it counts from everywhere."
        ),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for field in self.fields.values():
            field.widget.attrs["autocomplete"] = "off"


def _default(account: HostingAccount, name: str) -> str:
    """What the house says where the account says nothing, as a placeholder."""
    without = copy.copy(account)
    setattr(without, name, None)
    if name == "hold_hours":
        value: int | None = settings.HOLD_HOURS
    else:
        value = getattr(limits.of(without), name)
    if value is None:
        return _("no limit")
    number = formats.number_format(value, use_l10n=True, force_grouping=True)
    return _("default: %(number)s") % {"number": number}
