"""What every answer carries, and in which language it speaks.

Django 5.2 has no middleware for a content security policy of its own.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from panel.models import User

POLICY = (
    "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; object-src 'none'"
)

Answer = Callable[[HttpRequest], HttpResponse]


def content_security_policy(get_response: Answer) -> Answer:
    """Send POLICY with every answer that has no policy of its own."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response

    return answer


def language_of_user(get_response: Answer) -> Answer:
    """Speak the language that the user has chosen, on whatever machine he logs in.

    It weighs more than the browser's wish and the cookie, which `LocaleMiddleware` has heard.
    """
    known = {code for code, _ in settings.LANGUAGES}

    def answer(request: HttpRequest) -> HttpResponse:
        if isinstance(request.user, User) and request.user.language in known:
            translation.activate(request.user.language)
            request.LANGUAGE_CODE = translation.get_language()
        return get_response(request)

    return answer
