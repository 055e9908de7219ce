"""A real Chromium, driven by Playwright: the system's own, for Playwright's does not come along."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import ConsoleMessage, Page, sync_playwright

# Without these it talks to its makers at each start, and a sandbox takes rights that root lacks.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


# What htmx says when a part that was asking for news is replaced meanwhile, as a click does with
# the poller. A request that failed is told by other names: sendError, responseError, timeout.
CUT_OFF = ("htmx:sendAbort", "htmx:afterRequest")


def is_cut_off(message: ConsoleMessage) -> bool:
    """Whether a word of the console tells of a request that the page itself gave up."""
    return message.text.startswith(CUT_OFF)


@contextmanager
def browser_page(
    base_url: str, *, locale: str = "fr-FR", has_script: bool = True
) -> Iterator[Page]:
    """An empty page of a new profile. Fails at the end if the page's script raised an error."""
    program = shutil.which("chromium")
    assert program, "install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        try:
            context = browser.new_context(
                base_url=base_url, locale=locale, java_script_enabled=has_script
            )
            page = context.new_page()
            errors: list[str] = []
            page.on("pageerror", lambda error: errors.append(str(error)))
            # A breach of the content security policy is told here.
            page.on("console", lambda message: _hear(message, errors))
            yield page
            assert errors == [], errors
        finally:
            browser.close()


def _hear(message: ConsoleMessage, errors: list[str]) -> None:
    if message.type == "error" and not is_cut_off(message):
        errors.append(message.text)
