"""« Domaines et signatures »: in whose name an account may write, and what becomes of the rest.

Members look; administrators change. The keys and records of one domain are for `signing`.
"""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from mailqueue import senders, signing_keys
from mailqueue.models import HostingAccount, SigningKey
from panel import audit
from panel.access import SignedInRequest, account_for, administrators_only, only, signed_in
from panel.audit import Action
from panel.domain_forms import DomainForm, PolicyForm

# As the journal names a rule that is not the account's own.
HOUSE = "house"


@only("GET")
@signed_in
def page(request: SignedInRequest, service_name: str) -> HttpResponse:
    """The domains of an account, and its rule."""
    account = account_for(request.user, service_name)
    return _page(request, account, DomainForm(), PolicyForm(account))


@only("POST")
@signed_in
@administrators_only
def add(request: SignedInRequest, service_name: str) -> HttpResponse:
    """One more domain."""
    account = account_for(request.user, service_name)
    form = DomainForm(request.POST)
    if form.is_valid():
        try:
            with transaction.atomic():
                actor = request.user.get_username()
                domain = form.cleaned_data["domain"]
                row = senders.add(account, domain, actor, timezone.now())
                audit.note(request, Action.ADD_DOMAIN, account, row.domain)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("The domain %(name)s was added.") % {"name": row.domain})
            return redirect("domains", service_name)
    return _page(request, account, form, PolicyForm(account), status=400)


@only("POST")
@signed_in
@administrators_only
def policy(request: SignedInRequest, service_name: str) -> HttpResponse:
    """What becomes of e-mails with a sender of another domain."""
    account = account_for(request.user, service_name)
    form = PolicyForm(account, request.POST)
    if not form.is_valid():
        return _page(request, account, DomainForm(), form, status=400)
    before, after = account.sender_policy, form.cleaned_data["policy"]
    if before != after:
        with transaction.atomic():
            senders.set_policy(account.pk, after)
            told = {"before": before or HOUSE, "after": after or HOUSE}
            audit.note(request, Action.CHANGE_SENDERS, account, account.service_name, **told)
    messages.success(request, _("The changes were saved."))
    return redirect("domains", service_name)


@only("GET", "POST")
@signed_in
@administrators_only
def remove(request: SignedInRequest, service_name: str, domain: str) -> HttpResponse:
    """What it means to take a domain away, and « Valider »."""
    account = account_for(request.user, service_name)
    if domain not in {row.domain for row in senders.added(account.pk)}:
        raise Http404
    if request.method == "POST":
        with transaction.atomic():
            if senders.remove(account, domain):
                audit.note(request, Action.REMOVE_DOMAIN, account, domain)
        messages.success(request, _("The domain %(name)s was taken away.") % {"name": domain})
        return redirect("domains", service_name)
    context = {
        "account": account,
        "tab": "domains",
        "title": _("Take the domain %(name)s away") % {"name": domain},
        "sentences": [
            _("E-mails in its name are those of a strange sender from now on."),
            _("They are no longer signed with its keys. The keys stay."),
        ],
        "back": "domains",
    }
    return render(request, "hosting/confirm.html", context)


def _page(
    request: SignedInRequest,
    account: HostingAccount,
    form: DomainForm,
    policy_form: PolicyForm,
    status: int = 200,
) -> HttpResponse:
    now = timezone.now()
    main = senders.main_domain(account)
    added = senders.added(account.pk)
    keys = signing_keys.of_domains([main, *(row.domain for row in added)])
    rows = [
        {"domain": name, "row": row, "standing": standing(keys.get(name, []))}
        for name, row in [(main, None), *((row.domain, row) for row in added)]
    ]
    context: dict[str, Any] = {
        "account": account,
        "tab": "domains",
        "rows": rows,
        "form": form,
        "policy_form": policy_form,
        "policy": senders.policy_of(account),
        "is_own_policy": bool(account.sender_policy),
        "stranger": senders.foreign_of(account, now),
    }
    with timezone.override(account.time_zone):
        return render(request, "domains/page.html", context, status=status)


def standing(keys: Sequence[SigningKey]) -> dict[str, str]:
    """Whether a domain's mail is signed: a mark and its words."""
    active = [key for key in keys if signing_keys.is_active(key)]
    if active:
        kinds = ", ".join(sorted(key.get_algorithm_display() for key in active))
        return {"mark": "fine", "word": _("Signed"), "more": kinds}
    if keys:
        return {"mark": "pending", "word": _("Key not active yet"), "more": ""}
    return {"mark": "unknown", "word": _("Not signed"), "more": ""}
