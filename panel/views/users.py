"""« Utilisateurs »: who can log in, for administrators; and the invitation of another one."""

from zoneinfo import ZoneInfo

from django.contrib import messages
from django.db import transaction
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from mailqueue import house_overview
from panel import audit, invitations, throttle, users
from panel.access import SignedInRequest, administrators_only, only, signed_in
from panel.forms import InvitationForm, UsersForm
from panel.models import User
from panel.views import members

PER_PAGE = 50


@only("GET", "POST")
@signed_in
@administrators_only
def page(request: SignedInRequest) -> HttpResponse:
    """The users, in pages; POST invites an administrator."""
    values = request.POST if request.method == "POST" else None
    form = InvitationForm(None, values)
    now = timezone.now()
    if form.is_valid():
        try:
            invitations.count_letter(request.user, now)
        except throttle.TooOften:
            form.add_error(None, members.too_many_letters())
        else:
            members.invite(request, None, form.cleaned_data["email"], "", now)
            return redirect("users")
    asked = UsersForm(request.GET)
    asked.is_valid()
    search = asked.cleaned_data.get("q", "").strip()
    found = User.objects.order_by("username")
    if search:
        found = found.filter(Q(username__icontains=search) | Q(email__icontains=search))
    total = found.count()
    pages = max(1, -(-total // PER_PAGE))
    number = min(asked.cleaned_data.get("page") or 1, pages)
    context = {
        "section": "users",
        "users": found[(number - 1) * PER_PAGE : number * PER_PAGE],
        "total": total,
        "search": search,
        "number": number,
        "pages": pages,
        "previous": _query(search, number - 1) if number > 1 else "",
        "next": _query(search, number + 1) if number < pages else "",
        "invitations": members.listed(None, now),
        "form": form,
        "days": invitations.VALID_FOR.days,
    }
    with timezone.override(ZoneInfo(house_overview.time_zone())):
        return render(request, "users/page.html", context, status=400 if form.errors else 200)


@only("GET", "POST")
@signed_in
@administrators_only
def deactivate(request: SignedInRequest, pk: int) -> HttpResponse:
    """Close a user: what that means, and « Valider »."""
    user = get_object_or_404(User, pk=pk)
    is_refused = user == request.user
    if request.method == "POST":
        try:
            with transaction.atomic():
                users.deactivate(user, request.user, timezone.now())
                audit.note(request, audit.Action.DEACTIVATE_USER, None, user.get_username())
        except users.Refused:
            is_refused = True
        else:
            messages.success(
                request, _("%(login)s can no longer sign in.") % {"login": user.get_username()}
            )
            return redirect("users")
    context = {"section": "users", "closed": user, "is_refused": is_refused}
    return render(request, "users/deactivate.html", context, status=409 if is_refused else 200)


@only("POST")
@signed_in
@administrators_only
def reactivate(request: SignedInRequest, pk: int) -> HttpResponse:
    """Let a closed user in again."""
    user = get_object_or_404(User, pk=pk)
    with transaction.atomic():
        users.reactivate(user)
        audit.note(request, audit.Action.REACTIVATE_USER, None, user.get_username())
    messages.success(request, _("%(login)s can sign in again.") % {"login": user.get_username()})
    return redirect("users")


@only("POST")
@signed_in
@administrators_only
def send_again(request: SignedInRequest, pk: int) -> HttpResponse:
    """A new letter for an invitation to administer, with a new link."""
    members.renew(request, None, pk)
    return redirect("users")


@only("POST")
@signed_in
@administrators_only
def revoke(request: SignedInRequest, pk: int) -> HttpResponse:
    """End an invitation to administer."""
    members.withdraw(request, None, pk)
    return redirect("users")


def _query(search: str, number: int) -> str:
    values = {"q": search, "page": str(number) if number > 1 else ""}
    return "?" + urlencode({name: value for name, value in values.items() if value})
