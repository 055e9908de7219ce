"""What administrators type about the rules of screening."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from mailqueue import weights
from mailqueue.screening import MALWARE, RULES
from panel import finding_words

SORTS = (
    ("fired", gettext_lazy("Most often fired")),
    ("convicted", gettext_lazy("Most often in spam")),
    ("overruled", gettext_lazy("Most often overruled")),
    ("title", gettext_lazy("By name")),
)


class RulesForm(forms.Form):
    """Which rules are wanted, and in which order. Nonsense is as good as nothing."""

    q = forms.CharField(required=False, max_length=253)
    sort = forms.ChoiceField(required=False, choices=SORTS)
    # Those alone whose weight was changed.
    changed = forms.BooleanField(required=False)


class WeightForm(forms.Form):
    """What a rule weighs, in per cent of the catalogue's weight; 0 switches it off."""

    percent = forms.IntegerField(
        min_value=0,
        max_value=round(100 * weights.MOST),
        label=gettext_lazy("Weight in per cent"),
        help_text=gettext_lazy("0 switches the rule off, 100 is its usual weight."),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["percent"].widget.attrs |= {"autocomplete": "off", "inputmode": "numeric"}

    @property
    def weight(self) -> float:
        """The factor that was asked for, once the form is valid."""
        return float(self.cleaned_data["percent"]) / 100


class OwnWeightForm(WeightForm):
    """What one rule weighs for an account: any but those that find malware."""

    rule = forms.ChoiceField(label=gettext_lazy("Rule"))
    field_order = ("rule", "percent")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        named = [(rule, finding_words.title(rule)) for rule in RULES if rule not in MALWARE]
        named.sort(key=lambda pair: pair[1].casefold())
        self.fields["rule"].choices = named  # type: ignore[attr-defined]
