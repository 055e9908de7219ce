"""The language in which somebody reads the panel."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.i18n import set_language

from panel.access import only
from panel.models import User


@only("POST")
def choose(request: HttpRequest) -> HttpResponse:
    """Keep the language in a cookie, and with the user if somebody has logged in."""
    language = request.POST.get("language", "")
    if isinstance(request.user, User) and language in dict(settings.LANGUAGES):
        request.user.language = language
        request.user.save(update_fields=["language"])
    return set_language(request)
