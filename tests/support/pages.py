"""The panel over HTTP, as a browser without script meets it."""

import http.cookiejar
import re
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from html import unescape

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


@dataclass(frozen=True)
class Page:
    """An answer: where it came from in the end, its status, its text."""

    url: str
    status: int
    text: str

    @property
    def words(self) -> str:
        """The text without markup, in single blanks."""
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", self.text)).split())


class Pages:
    """A visitor with cookies."""

    def __init__(self, base: str) -> None:
        self.base = base
        self._opener = urllib.request.build_opener(
            # A proxy of the machine is none of ours.
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
        )
        self._opener.addheaders = [("Accept-Language", "fr")]

    def get(self, path: str) -> Page:
        """Open a page; redirects are followed, errors are answers."""
        return self._open(urllib.request.Request(urllib.parse.urljoin(self.base, path)))

    def post(self, path: str, referrer: Page | None = None, **fields: str) -> Page:
        """Send a form, with the token that the page `referrer` (or the same path) holds."""
        source = referrer or self.get(path)
        found = TOKEN.search(source.text)
        assert found, f"no form on {source.url} ({source.status})"
        form = urllib.parse.urlencode({"csrfmiddlewaretoken": found[1], **fields})
        url = urllib.parse.urljoin(self.base, path)
        return self._open(
            urllib.request.Request(url, form.encode(), {"Referer": source.url}, method="POST")
        )

    def log_in(self, login: str, password: str) -> None:
        """Log in. Fails the test if that is refused."""
        page = self.post("/login/", login=login, password=password)
        assert page.status == 200, page.words
        assert "/login/" not in page.url, page.words

    def _open(self, request: urllib.request.Request) -> Page:
        try:
            with self._opener.open(request, timeout=20) as answer:
                return Page(answer.url, answer.status, answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Page(error.url or "", error.code, error.read().decode(errors="replace"))
