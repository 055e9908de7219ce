"""A real Chromium in front of the panel, on the file database; one browser for all tests."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from mailqueue.models import HostingAccount
from panel.models import User
from tests.panel.conftest import account, administrator, other, owner, reader, submit
from tests.support.browser import ARGUMENTS, is_cut_off

__all__ = ["account", "administrator", "other", "owner", "reader", "submit"]


# Not for the whole session: Playwright's event loop is in the way of tests that run their own.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium")
    assert program, "install chromium"
    # Playwright keeps an event loop in this thread; Django takes that for a mistake.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


class Visit:
    """Opens pages for somebody, and remembers what went wrong in them."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self._url = url
        self._contexts: list[Any] = []
        self.errors: list[str] = []

    def __call__(self, user: User | None, **options: Any) -> Page:
        """An empty page of a new profile in which `user` has logged in."""
        context = self._browser.new_context(base_url=self._url, locale="fr-FR", **options)
        self._contexts.append(context)
        if user is not None:
            client = Client()
            client.force_login(user)
            value = client.cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies(
                [{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": self._url}]
            )
        page = context.new_page()
        page.on("pageerror", lambda error: self.errors.append(f"{page.url}: {error}"))
        # A breach of the content security policy is told here.
        page.on("console", lambda message: self._hear(page, message))
        return page

    def _hear(self, page: Page, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not is_cut_off(message):
            self.errors.append(f"{page.url}: {message.text}")

    def close(self) -> None:
        """Leave all pages, so that none asks a server that has gone."""
        for context in self._contexts:
            context.close()


@pytest.fixture
def visit(chromium: Browser, live_server: Any, transactional_db: None) -> Iterator[Visit]:
    """Opens pages; fails in the end if one had an error that the test has not taken out."""
    new = Visit(chromium, live_server.url)
    yield new
    # Leaving cuts off what a page is asking for, and htmx calls that an error.
    errors = list(new.errors)
    new.close()
    assert errors == []


@pytest.fixture
def scripts_emails(visit: Visit, owner: User, account: HostingAccount) -> Page:
    """The page « Scripts emails » of the owner."""
    page = visit(owner)
    page.goto("/web/hosting/boutique.example/scripts-emails/")
    return page
