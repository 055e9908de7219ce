"""« Accès »: who may see and change an account, and who is invited to."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from mailqueue.models import HostingAccount
from panel import audit, invitations, members, throttle
from panel.access import (
    SignedInRequest,
    account_for,
    account_to_change,
    may_act,
    only,
    signed_in,
)
from panel.forms import InvitationForm, RoleForm
from panel.models import Invitation, Membership


@only("GET", "POST")
@signed_in
def page(request: SignedInRequest, service_name: str) -> HttpResponse:
    """The members and the open invitations; POST invites somebody."""
    now = timezone.now()
    if request.method != "POST":
        account = account_for(request.user, service_name)
        return _page(request, account, InvitationForm(account), now)
    account = account_to_change(request.user, service_name)
    form = InvitationForm(account, request.POST)
    if form.is_valid():
        try:
            invitations.count_letter(request.user, now)
        except throttle.TooOften:
            form.add_error(None, too_many_letters())
        else:
            invite(request, account, form.cleaned_data["email"], form.cleaned_data["role"], now)
            return redirect("members", service_name)
    return _page(request, account, form, now)


@only("GET", "POST")
@signed_in
def role(request: SignedInRequest, service_name: str, pk: int) -> HttpResponse:
    """Another role for a member: what it means, and « Valider »."""
    account = account_to_change(request.user, service_name)
    member = _member(account, pk)
    values = request.POST if request.method == "POST" else None
    form = RoleForm(values, initial={"role": member.role})
    if form.is_valid():
        wanted = form.cleaned_data["role"]
        before = member.role
        try:
            with transaction.atomic():
                members.change_role(member, wanted, request.user, timezone.now())
                audit.note(
                    request,
                    audit.Action.CHANGE_ROLE,
                    account,
                    member.user.get_username(),
                    before=before,
                    after=wanted,
                )
        except members.LastOwner:
            form.add_error("role", last_owner())
        else:
            messages.success(
                request,
                _("The role of %(login)s is now “%(role)s”.")
                % {"login": member.user.get_username(), "role": member.get_role_display()},
            )
            return redirect("members", service_name)
    context = _about(request, account, member) | {"form": form}
    return render(request, "members/role.html", context, status=400 if form.errors else 200)


@only("GET", "POST")
@signed_in
def remove(request: SignedInRequest, service_name: str, pk: int) -> HttpResponse:
    """Take a member's access away: what that means, and « Valider »."""
    account = account_to_change(request.user, service_name)
    member = _member(account, pk)
    login = member.user.get_username()
    is_refused = not request.user.is_staff and members.is_last_owner(member)
    if request.method == "POST":
        try:
            with transaction.atomic():
                members.remove(member, request.user, timezone.now())
                audit.note(request, audit.Action.REMOVE_MEMBER, account, login, role=member.role)
        except members.LastOwner:
            is_refused = True
        else:
            messages.success(
                request,
                _("%(login)s no longer has access to %(account)s.")
                % {"login": login, "account": service_name},
            )
            is_gone = member.user == request.user and not request.user.is_staff
            return redirect("accounts") if is_gone else redirect("members", service_name)
    context = _about(request, account, member)
    context["refusal"] = last_owner() if is_refused else ""
    return render(request, "members/remove.html", context, status=409 if is_refused else 200)


@only("POST")
@signed_in
def send_again(request: SignedInRequest, service_name: str, pk: int) -> HttpResponse:
    """A new letter for an open invitation, with a new link."""
    account = account_to_change(request.user, service_name)
    renew(request, account, pk)
    return redirect("members", service_name)


@only("POST")
@signed_in
def revoke(request: SignedInRequest, service_name: str, pk: int) -> HttpResponse:
    """End an open invitation."""
    account = account_to_change(request.user, service_name)
    withdraw(request, account, pk)
    return redirect("members", service_name)


def invite(
    request: SignedInRequest,
    account: HostingAccount | None,
    email: str,
    wanted: str,
    now: datetime,
) -> None:
    """Invite an address, for an account or (None) as an administrator, and say so."""
    with transaction.atomic():
        invitation, token = invitations.create(email, request.user, now, account, wanted)
        audit.note(request, audit.Action.INVITE, account, email, role=wanted or "administrator")
    invitations.send(invitation, token, request.user)
    _say_sent(request, invitation)


def renew(request: SignedInRequest, account: HostingAccount | None, pk: int) -> None:
    """Send an open invitation again, and say so. Raises Http404 if there is none."""
    invitation = _invitation(account, pk)
    now = timezone.now()
    try:
        invitations.count_letter(request.user, now)
    except throttle.TooOften:
        messages.error(request, too_many_letters())
        return
    with transaction.atomic():
        token = invitations.renew(invitation, request.user, now)
        if token is None:
            raise Http404
        audit.note(request, audit.Action.INVITE_AGAIN, account, invitation.email)
    invitations.send(invitation, token, request.user)
    _say_sent(request, invitation)


def withdraw(request: SignedInRequest, account: HostingAccount | None, pk: int) -> None:
    """End an open invitation, and say so. Raises Http404 if there is none."""
    invitation = _invitation(account, pk)
    with transaction.atomic():
        if not invitations.revoke(invitation, timezone.now()):
            raise Http404
        audit.note(request, audit.Action.REVOKE_INVITATION, account, invitation.email)
    messages.success(
        request,
        _("The invitation of %(address)s is revoked: its link no longer works.")
        % {"address": invitation.email},
    )


def listed(account: HostingAccount | None, now: datetime) -> list[dict[str, Any]]:
    """The open invitations, with when each ends."""
    return [
        {
            "invitation": invitation,
            "ends_at": invitation.created_at + invitations.VALID_FOR,
            "is_too_old": invitation.created_at + invitations.VALID_FOR <= now,
        }
        for invitation in invitations.open_for(account)
    ]


def too_many_letters() -> str:
    """That the hour's letters are used up."""
    return _("Too many invitations were sent. Wait an hour.")


def last_owner() -> str:
    """Why the last owner stays."""
    return _(
        "This is the last owner of the account: make somebody else an owner first, or ask an "
        "administrator."
    )


def _page(
    request: SignedInRequest, account: HostingAccount, form: InvitationForm, now: datetime
) -> HttpResponse:
    is_in_charge = may_act(request.user, account)
    with timezone.override(account.time_zone):
        return render(
            request,
            "members/page.html",
            {
                "account": account,
                "tab": "members",
                "members": Membership.objects.filter(account=account)
                .select_related("user")
                .order_by("role", "user__username"),
                "may_act": is_in_charge,
                # Whom else to let in is for those to know who decide it.
                "invitations": listed(account, now) if is_in_charge else [],
                "form": form,
                "days": invitations.VALID_FOR.days,
            },
            status=400 if form.errors else 200,
        )


def _about(request: SignedInRequest, account: HostingAccount, member: Membership) -> dict[str, Any]:
    return {
        "account": account,
        "tab": "members",
        "member": member,
        "is_self": member.user == request.user,
        "keeps_all": member.user.is_staff,
    }


def _member(account: HostingAccount, pk: int) -> Membership:
    found = Membership.objects.select_related("user", "account").filter(account=account, pk=pk)
    member = found.first()
    if member is None:
        raise Http404
    return member


def _invitation(account: HostingAccount | None, pk: int) -> Invitation:
    invitation = invitations.open_for(account).filter(pk=pk).first()
    if invitation is None:
        raise Http404
    return invitation


def _say_sent(request: SignedInRequest, invitation: Invitation) -> None:
    messages.success(
        request,
        _("An invitation was sent to %(address)s.") % {"address": invitation.email},
    )
