"""Administrators make, change, close and reopen hosting accounts."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from mailqueue import accounts
from mailqueue.models import HostingAccount
from mailqueue.tasks import follow_up
from panel import audit
from panel.access import SignedInRequest, account_for, administrators_only, only, signed_in
from panel.audit import Action
from panel.hosting_forms import ChangeForm, NewAccountForm

NOTHING = "–"


@only("GET", "POST")
@signed_in
@administrators_only
def add(request: SignedInRequest) -> HttpResponse:
    """« Ajouter un hébergement »."""
    form = NewAccountForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                made = accounts.create(now=timezone.now(), **form.cleaned_data)
                audit.note(request, Action.ADD_ACCOUNT, made, made.service_name, uid=made.uid)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(
                request, _("The hosting plan %(name)s was added.") % {"name": made.service_name}
            )
            return redirect("account", made.service_name)
    status = 400 if form.errors else 200
    return render(request, "hosting/add.html", {"form": form}, status=status)


@only("GET", "POST")
@signed_in
@administrators_only
def edit(request: SignedInRequest, service_name: str) -> HttpResponse:
    """« Modifier »: what an account is, and its limits."""
    account = account_for(request.user, service_name)
    form = ChangeForm(account, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                changed = accounts.change(account.pk, **form.cleaned_data)
                if changed:
                    _note_change(request, account, changed)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            text = _("The changes were saved.") if changed else _("Nothing was changed.")
            messages.success(request, text)
            return redirect("account", service_name)
    context = {"account": account, "tab": "account", "form": form}
    return render(request, "hosting/edit.html", context, status=400 if form.errors else 200)


@only("GET", "POST")
@signed_in
@administrators_only
def close(request: SignedInRequest, service_name: str) -> HttpResponse:
    """« Fermer »: what it means, and « Valider »; 409 if it cannot be done."""
    account = account_for(request.user, service_name)
    obstacle = accounts.closing_obstacle(account)
    if request.method == "POST":
        try:
            with transaction.atomic():
                accounts.close(account.pk, request.user.get_username(), timezone.now())
                audit.note(request, Action.CLOSE_ACCOUNT, account, account.service_name)
        except ValidationError as error:
            obstacle = " ".join(error.messages)
        else:
            follow_up()
            messages.success(request, _("The hosting plan is closed."))
            return redirect("account", service_name)
    sentences = [
        _("New e-mails of its scripts are refused: mail() returns false."),
        _("Sending stops. What is in the queue is held until its time is over."),
        _("History and figures stay. Its owners may look at them, but change nothing."),
    ]
    return _confirm(request, account, _("Close the hosting plan"), sentences, obstacle)


@only("GET", "POST")
@signed_in
@administrators_only
def reopen(request: SignedInRequest, service_name: str) -> HttpResponse:
    """« Rouvrir »: what it means, and « Valider »; 409 if it cannot be done."""
    account = account_for(request.user, service_name)
    obstacle = accounts.reopening_obstacle(account)
    if request.method == "POST":
        try:
            with transaction.atomic():
                accounts.reopen(account.pk)
                audit.note(request, Action.REOPEN_ACCOUNT, account, account.service_name)
        except ValidationError as error:
            obstacle = " ".join(error.messages)
        else:
            messages.success(request, _("The hosting plan is open again."))
            return redirect("account", service_name)
    sentences = [
        _("E-mails of its scripts are taken again."),
        _("If sending is blocked, they are held until it is unblocked."),
    ]
    return _confirm(request, account, _("Reopen the hosting plan"), sentences, obstacle)


def _note_change(
    request: SignedInRequest, account: HostingAccount, changed: dict[str, tuple[object, object]]
) -> None:
    details = {name: f"{_shown(old)} → {_shown(new)}" for name, (old, new) in changed.items()}
    audit.note(request, Action.CHANGE_ACCOUNT, account, account.service_name, **details)


def _shown(value: object) -> str:
    return NOTHING if value is None or value == "" else str(value)


def _confirm(
    request: SignedInRequest,
    account: HostingAccount,
    title: str,
    sentences: list[str],
    obstacle: str,
) -> HttpResponse:
    context = {
        "account": account,
        "tab": "account",
        "title": title,
        "sentences": sentences,
        "obstacle": obstacle,
        "back": "account",
    }
    return render(request, "hosting/confirm.html", context, status=409 if obstacle else 200)
