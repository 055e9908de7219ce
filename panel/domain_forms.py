"""What administrators type about domains: one more of an account, its rule, a new key."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mailqueue.models import HostingAccount, SenderPolicy, SigningKey

# Both kinds at once, as most want them.
BOTH = "both"


class DomainForm(forms.Form):
    """One more domain of an account."""

    domain = forms.CharField(
        max_length=253,
        label=gettext_lazy("Domain"),
        help_text=gettext_lazy("What lies below it counts too: “news.” and “www.” need no line."),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["domain"].widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}


class PolicyForm(forms.Form):
    """What becomes of e-mails whose sender is of a strange domain."""

    policy = forms.ChoiceField(required=False, label=gettext_lazy("If it is of another domain"))

    def __init__(self, account: HostingAccount, data: Any = None) -> None:
        super().__init__(data, initial={"policy": account.sender_policy})
        house = SenderPolicy(settings.SENDER_POLICY).label
        default = _("The default of this server: %(rule)s") % {"rule": house}
        choices = [("", default), *SenderPolicy.choices]
        self.fields["policy"].choices = choices  # type: ignore[attr-defined]


class KeyForm(forms.Form):
    """A new key, or two."""

    algorithm = forms.ChoiceField(
        label=gettext_lazy("Kind"),
        choices=[
            (BOTH, gettext_lazy("RSA and Ed25519 (advised)")),
            *SigningKey.Algorithm.choices,
        ],
        help_text=gettext_lazy(
            "All servers read RSA. Ed25519 is newer and shorter; few read it so far, and it does no"
            " harm beside RSA."
        ),
    )


class ActivateForm(forms.Form):
    """That a key is to sign though its record was not found."""

    anyway = forms.BooleanField(required=False)


def algorithms(choice: str) -> list[SigningKey.Algorithm]:
    """The kinds of keys that somebody chose."""
    kinds = [SigningKey.Algorithm.RSA, SigningKey.Algorithm.ED25519]
    return kinds if choice == BOTH else [SigningKey.Algorithm(choice)]
