"""Refusals: a page that says clearly what was refused, or the same as a fragment for htmx.

Owns how 400, 403, 404, 405 and 500 are answered; who is refused is decided elsewhere.
"""

from collections.abc import Sequence

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _


class NotAllowed(PermissionDenied):
    """Somebody may see this, but not do that. Its text is for him."""


def refusal(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    """Say `title` and `text`: as a page, or for htmx where the page keeps its alerts."""
    # Read by hand: an error may come before the middleware that sets `request.htmx`.
    is_fragment = request.headers.get("HX-Request") == "true"
    user = getattr(request, "user", None)
    # After a failure the database may be what failed: ask it nothing.
    is_inside = status < 500 and user is not None and user.is_authenticated
    response = render(
        request,
        "parts/refusal.html" if is_fragment else "error.html",
        {
            "layout": "layout.html" if is_inside else "entrance.html",
            "status": status,
            "title": title,
            "text": text,
        },
        status=status,
    )
    if is_fragment:
        response["HX-Retarget"] = "#alerts"
        response["HX-Reswap"] = "innerHTML"
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: a request that no page of ours sends, or a form with more text than one takes."""
    if isinstance(exception, RequestDataTooBig):
        return refusal(
            request,
            400,
            _("Too much text"),
            _("A form takes 2.5 MB of text at most. A longer e-mail can be uploaded as a file."),
        )
    return refusal(
        request, 400, _("Unintelligible request"), _("The server could not read this request.")
    )


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403, with our own words where we have some."""
    text = str(exception) if isinstance(exception, NotAllowed) else _("You may not do this.")
    return refusal(request, 403, _("Access refused"), text)


def forged(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: the token that shows that a form is one of ours is missing or out of date."""
    return refusal(
        request,
        403,
        _("This form is out of date"),
        _("Nothing was changed. Load the page again, then repeat what you were doing."),
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: there is none, or not for this user; both look the same."""
    return refusal(
        request,
        404,
        _("Page not found"),
        _("There is nothing here, or your account does not give access to it."),
    )


def wrong_method(request: HttpRequest, allowed: Sequence[str]) -> HttpResponse:
    """405: the address exists, but not for this."""
    response = refusal(
        request,
        405,
        _("This address cannot be opened like this"),
        _("Nothing was changed. Actions start from the buttons of a page."),
    )
    response["Allow"] = ", ".join(allowed)
    return response


def failure(request: HttpRequest) -> HttpResponse:
    """500: our fault; the log has the traceback."""
    return refusal(
        request,
        500,
        _("Something went wrong on our side"),
        _("The fault was noted. Try again in a moment."),
    )
