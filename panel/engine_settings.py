"""How the engines that look at mail beside our own rules are named in the settings.

Owns the forms and the refusals of nonsense; `relay.engines` asks them. An address is `(host, port)`
or the path of a Unix socket.
"""

from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

# A path of a Unix socket ends there (unix(7): sun_path has 108 bytes, the last of them zero).
LONGEST_PATH = 107


def read_rspamd(text: str) -> tuple[str, int] | str | None:
    """`http://host:port` or `unix:/path`; None if empty. Raises ImproperlyConfigured."""
    if not text or text.startswith("unix:"):
        return _path("FACTEUR_RSPAMD_URL", text) if text else None
    refusal = ImproperlyConfigured(
        "FACTEUR_RSPAMD_URL must be http://host:port (the worker “normal”, usually port 11333)"
        " or unix:/path."
    )
    try:
        url = urlsplit(text)
        host, port = url.hostname, url.port
    except ValueError:
        raise refusal from None
    is_more = url.path not in {"", "/"} or url.query or url.fragment or url.username is not None
    if url.scheme != "http" or not host or not port or is_more:
        raise refusal
    return host, port


def read_clamd(text: str) -> tuple[str, int] | str | None:
    """`host:port`, or `unix:/path`, likewise."""
    if not text or text.startswith("unix:"):
        return _path("FACTEUR_CLAMD", text) if text else None
    try:
        url = urlsplit(f"//{text}")
        host, port = url.hostname, url.port
    except ValueError:
        host, port = None, None
    if not host or not port or url.netloc != text or url.username is not None:
        raise ImproperlyConfigured(
            "FACTEUR_CLAMD must be host:port (usually port 3310) or unix:/path."
        )
    return host, port


def _path(name: str, text: str) -> str:
    path = text.removeprefix("unix:")
    if not path.startswith("/") or "\0" in path or len(path.encode()) > LONGEST_PATH:
        raise ImproperlyConfigured(
            f"{name} must name a socket by its full path of at most {LONGEST_PATH} bytes:"
            " unix:/run/…."
        )
    return path
