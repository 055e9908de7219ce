"""Where mail for a domain goes next: to a smarthost, to its own servers, or nowhere.

Owns the choice, by the settings ROUTES and ROUTE; a domain's own servers are for `exchanges`, and
`client` goes the way.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from mailqueue.domains import a_labels
from mailqueue.outcomes import Outcome, Result
from relay.domains import matching
from relay.exchanges import Search
from relay.mta_sts import Policies
from relay.resolver import Resolver
from relay.routes import Hop, Level, Login, Route, Tls

__all__ = ["Route", "explain", "resolver", "route_for"]


async def route_for(domain: str) -> Route | Outcome:
    """The way for mail to `domain`, or why there is none: failed if there never will be.

    May take as long as DNS and a fetch of a policy do. Domains with the same servers, of which the
    same is demanded, have equal routes.
    """
    return await explain(domain, lambda _: None)


async def explain(domain: str, note: Callable[[str], None]) -> Route | Outcome:
    """Likewise; `note` is told what is found on the way there, in words."""
    name = a_labels(domain) or domain.lower()
    way = matching(name, settings.ROUTES)
    if way is not None:
        note(f"FACTEUR_ROUTES has an entry for it: {way.kind}")
    kind = way.kind if way is not None else settings.ROUTE
    if way is not None and kind == "refuse":
        words = way.words or "mail for this domain is refused here (FACTEUR_ROUTES)"
        return Outcome(Result.FAILED, words, "5.7.1")
    if way is not None and way.smarthost is not None:
        host, port, is_implicit, level, user, password = way.smarthost
        login = Login(user, password) if user else None
        return _to_smarthost(host, port, Tls(Level(level), "FACTEUR_ROUTES", is_implicit), login)
    if kind == "smarthost" and settings.SMARTHOST is not None:
        tls = Tls(
            Level(settings.SMARTHOST_TLS), "FACTEUR_SMARTHOST_TLS", settings.SMARTHOST_IS_SMTPS
        )
        return _to_smarthost(*settings.SMARTHOST, tls, _login())
    if kind == "mx":
        return await _search().route_for(domain, note)
    return Route("simulator", socket=Path(settings.SIMULATOR_SOCKET))


def _to_smarthost(host: str, port: int, tls: Tls, login: Login | None) -> Route:
    return Route(host, (Hop(host, port, tls=tls),), login=login)


def _login() -> Login | None:
    """The login of FACTEUR_SMARTHOST."""
    if not settings.SMARTHOST_USER:
        return None
    return Login(
        settings.SMARTHOST_USER, settings.SMARTHOST_PASSWORD, settings.SMARTHOST_PLAIN_AUTH
    )


def resolver() -> Resolver:
    """Who is asked about DNS by the settings, with all that he remembers."""
    return _resolver(*_servers())


def _search() -> Search:
    policies = _policies(*_servers(), settings.MTA_STS_PORT, settings.TLS_CA_FILE)
    return Search(
        resolver=resolver(),
        policies=policies if settings.MTA_STS else None,
        port=settings.MX_PORT,
        allowed=settings.ALLOW_NETWORKS,
        tls_policies=settings.TLS_POLICY,
        hostname=settings.HOSTNAME,
        listeners=[
            (host, port) for host, port, _ in (*settings.SUBMISSION_LISTEN, *settings.BOUNCE_LISTEN)
        ],
    )


def _servers() -> tuple[tuple[tuple[str, int], ...], bool]:
    return tuple(settings.RESOLVERS), settings.RESOLVER_VALIDATES


# Made once for a process: what they have learnt outlives a run.
@lru_cache(maxsize=4)
def _resolver(nameservers: Sequence[tuple[str, int]], validates: bool) -> Resolver:
    return Resolver(nameservers, validates=validates)


@lru_cache(maxsize=4)
def _policies(
    nameservers: Sequence[tuple[str, int]], validates: bool, port: int, ca_file: str
) -> Policies:
    return Policies(_resolver(nameservers, validates), _utc_now, port=port, ca_file=ca_file)


def _utc_now() -> datetime:
    return datetime.now(UTC)
