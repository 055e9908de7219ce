"""« Données d'une adresse »: what is kept about one address, as a file, and its erasure.

The address travels in the body of requests only: it stands in no log and in no history.
"""

import json
import time
from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mailqueue import (
    behaviour,
    cases,
    queue,
    refusals,
    senders,
    service,
    suppressions,
    traces,
)
from mailqueue.models import HostingAccount, Recipient
from panel import audit, forgetting
from panel.access import SignedInRequest, account_to_change, only, signed_in
from panel.forms import AddressForm

# A click erases for so long, in seconds; what is left takes another click.
SHARE_S = 5.0


@only("GET", "POST")
@signed_in
def page(request: SignedInRequest, service_name: str) -> HttpResponse:
    """Ask for an address, and tell how much is kept about it."""
    account = account_to_change(request.user, service_name)
    form = AddressForm(request.POST or None)
    found = None
    if request.method == "POST" and form.is_valid():
        found = traces.look(account, form.cleaned_data["address"])
    return _page(request, account, form, found, status=400 if form.errors else 200)


@only("POST")
@signed_in
def export(request: SignedInRequest, service_name: str) -> HttpResponseBase:
    """All that is kept about the address, as JSON."""
    account = account_to_change(request.user, service_name)
    form = AddressForm(request.POST)
    if not form.is_valid():
        return _page(request, account, form, None, status=400)
    address = form.cleaned_data["address"]
    audit.note(request, audit.Action.EXPORT_ADDRESS, account, _digest(address))
    response = StreamingHttpResponse(
        _told(account, address), content_type="application/json; charset=utf-8"
    )
    name = f"adresse-{account.service_name}-{timezone.now():%Y-%m-%d}.json"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@only("POST")
@signed_in
def erase(request: SignedInRequest, service_name: str) -> HttpResponse:
    """Ask once more, then erase; 409 while e-mails to the address are in the queue."""
    account = account_to_change(request.user, service_name)
    form = AddressForm(request.POST)
    if not form.is_valid():
        return _page(request, account, form, None, status=400)
    address = form.cleaned_data["address"]
    found = traces.look(account, address)
    if found.live:
        return _page(request, account, form, found, status=409)
    if not form.cleaned_data["confirmed"]:
        context = {"account": account, "tab": "addresses", "address": address, "found": found}
        return render(request, "addresses/confirm.html", context)
    number, is_done = _erase(request, account, address)
    text = ngettext("%(number)s e-mail was erased.", "%(number)s e-mails were erased.", number)
    if is_done:
        messages.success(request, text % {"number": number})
        return redirect("addresses", service_name)
    messages.warning(request, text % {"number": number} + " " + _("There is more: erase again."))
    return _page(request, account, form, traces.look(account, address))


def _erase(request: SignedInRequest, account: HostingAccount, address: str) -> tuple[int, bool]:
    """Erase slice by slice, each with its entry; how many e-mails, and whether that was all."""
    until = time.monotonic() + SHARE_S
    total = 0
    with transaction.atomic():
        forgetting.forget(account, address)
        service.forget(account.pk, address)
        senders.forget(account.pk, address)
        refusals.forget(account.pk, address)
        behaviour.forget(account.pk, address)
        audit.note(request, audit.Action.ERASE_ADDRESS, account, _digest(address))
    while number := queue.erase(account.pk, address):
        total += number
        if time.monotonic() > until:
            return total, traces.look(account, address, most=1).is_empty
    return total, True


def _page(
    request: SignedInRequest,
    account: HostingAccount,
    form: AddressForm,
    found: traces.Traces | None,
    status: int = 200,
) -> HttpResponse:
    address = form.cleaned_data.get("address", "") if form.is_bound else ""
    context = {
        "account": account,
        "tab": "addresses",
        "form": form,
        "address": address,
        "found": found,
        "evidence": len(cases.naming(account.pk, address)) if found else 0,
    }
    return render(request, "addresses/page.html", context, status=status)


def _told(account: HostingAccount, address: str) -> Iterator[str]:
    head = {
        "account": account.service_name,
        "address": address,
        "exported_at": timezone.now().isoformat(timespec="seconds"),
    }
    yield json.dumps(head, ensure_ascii=False)[:-1] + ', "emails": ['
    separator = "\n"
    for row in traces.everything(account, address):
        yield separator + json.dumps(_email(row), ensure_ascii=False)
        separator = ",\n"
    yield '\n], "evidence": ' + json.dumps(_evidence(account, address), ensure_ascii=False)
    yield ', "excluded": ' + json.dumps(_excluded(account, address), ensure_ascii=False) + "}\n"


def _evidence(account: HostingAccount, address: str) -> list[dict[str, Any]]:
    """The e-mails that were copied when the account stopped for spam, and that name the address."""
    return [
        {
            "queue_id": sample.queue_id,
            "accepted_at": sample.accepted_at.isoformat(timespec="seconds"),
            "stopped_at": sample.case.opened_at.isoformat(timespec="seconds"),
            "recipient": sample.address,
            "sender": sample.sender,
            "subject": sample.subject,
            "script": sample.script,
            "size_bytes": sample.size_bytes,
        }
        for sample in cases.naming(account.pk, address)
    ]


def _excluded(account: HostingAccount, address: str) -> list[dict[str, Any]]:
    """Why the address gets no e-mails of this account, if it gets none."""
    return [
        {
            "reason": entry.reason,
            "since": entry.created_at.isoformat(timespec="seconds"),
            "until": entry.until.isoformat(timespec="seconds") if entry.until else None,
            "by_server": entry.account_id is None,
        }
        for entry in suppressions.of_address(account.pk, address, timezone.now())
    ]


def _email(row: Recipient) -> dict[str, Any]:
    moments = {
        "accepted_at": row.accepted_at,
        "next_attempt_at": row.next_attempt_at,
        "ended_at": row.ended_at,
        "returned_at": row.returned_at,
        "complained_at": row.complained_at,
    }
    return {
        "queue_id": row.message.queue_id,
        "recipient": row.address,
        "sender": row.message.sender,
        "subject": row.message.subject,
        "script": row.message.script,
        "size_bytes": row.message.size_bytes,
        "status": row.status,
        "tries": row.tries,
        "category": row.category,
        "reply": row.reply,
        "reply_status": row.reply_status,
        "reply_host": row.reply_host,
        **{name: moment.isoformat() if moment else None for name, moment in moments.items()},
    }


def _digest(address: str) -> str:
    """What the journal keeps of an address: enough to tell whether two entries are about one."""
    return salted_hmac("panel.addresses", address.lower(), algorithm="sha256").hexdigest()[:16]
