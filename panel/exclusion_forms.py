"""What is typed into « Adresses exclues »: a search, a list, an address to take off it."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from panel import address_lists
from panel.wording import number


class ExcludedForm(forms.Form):
    """Which part of the list is wanted. Nonsense is as good as nothing."""

    q = forms.CharField(required=False, max_length=253)
    after = forms.CharField(required=False, max_length=320)


class RemoveExcludedForm(forms.Form):
    """The address that gets e-mails again."""

    address = forms.CharField(max_length=320)


class AddressListForm(forms.Form):
    """Addresses, typed or in a file; `found` is what they come to."""

    addresses = forms.CharField(
        required=False, max_length=address_lists.MOST_BYTES, widget=forms.Textarea
    )
    file = forms.FileField(required=False)

    def clean(self) -> dict[str, Any]:
        """Read both. Raises ValidationError if they are too long, or hold nothing."""
        text: str = self.cleaned_data.get("addresses", "")
        file = self.cleaned_data.get("file")
        if file is not None:
            if file.size > address_lists.MOST_BYTES:
                raise forms.ValidationError(_("The file is larger than 1 MB."))
            text = f"{text}\n" if text else ""
            text += address_lists.decoded(file.read())
        found = address_lists.read(text)
        if found.is_too_long:
            raise forms.ValidationError(
                _("The list has more than %(most)s lines: split it.")
                % {"most": number(address_lists.MOST_LINES)}
            )
        if not found.addresses and not found.wrong:
            raise forms.ValidationError(_("Type an address, or choose a file."))
        return {**self.cleaned_data, "found": found}
