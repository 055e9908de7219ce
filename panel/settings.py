"""Facteur's settings: read from the environment once, refused at start when they are nonsense.

`docs/settings.md` has a heading for each `FACTEUR_…` variable; a test compares the two.
"""

import os
from pathlib import Path

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from panel.bounce_settings import check_bounces
from panel.engine_settings import read_clamd, read_rspamd
from panel.env import Environment
from panel.keys import load_or_create_secret
from panel.pace_settings import read_paces
from panel.places import runtime_folder
from panel.route_settings import (
    LEVELS,
    check_authorities,
    check_login,
    read_resolvers,
    read_routes,
    read_smarthost,
    read_tls_policies,
)
from panel.submission_settings import LOOPBACK, check_submission

env = Environment()

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.text("DATA_DIR", str(BASE_DIR / "data"))).resolve()
try:
    DATA_DIR.mkdir(mode=0o711, parents=True, exist_ok=True)
except OSError as error:
    raise ImproperlyConfigured(f"FACTEUR_DATA_DIR cannot be made: {error}") from error

SECRET_KEY = env.secret("SECRET_KEY") or load_or_create_secret(DATA_DIR / "secret_key")
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
DEBUG = False

# Sockets live in a folder of their own: a path of a Unix socket ends at 107 bytes.
RUN_DIR = runtime_folder(DATA_DIR)
RELAY_SOCKET = RUN_DIR / "relay.sock"
SIMULATOR_SOCKET = RUN_DIR / "simulator.sock"
REDIS_SOCKET = RUN_DIR / "redis.sock"
MAILDROP = DATA_DIR / "maildrop"
SENDMAIL = DATA_DIR / "sendmail"

BIND: tuple[str, int] = env.needed_address("BIND", "127.0.0.1:8000")
_public_host = f"[{BIND[0]}]" if ":" in BIND[0] else BIND[0]
PUBLIC_URL = env.text("PUBLIC_URL", f"http://{_public_host}:{BIND[1]}").rstrip("/")
if not PUBLIC_URL.startswith(("http://", "https://")):
    raise ImproperlyConfigured("FACTEUR_PUBLIC_URL must begin with http:// or https://.")
_public_name = PUBLIC_URL.split("://", 1)[1].split("/", 1)[0].rsplit("@", 1)[-1]
ALLOWED_HOSTS = [
    *env.words("ALLOWED_HOSTS"),
    _public_name.rsplit(":", 1)[0] if _public_name.rsplit(":", 1)[-1].isdigit() else _public_name,
    "localhost",
    "127.0.0.1",
    "[::1]",
]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
_is_https = PUBLIC_URL.startswith("https://")
# The proxies whose X-Forwarded-For and X-Forwarded-Proto are believed (see `proxies`).
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")

# The name that this machine gives in EHLO, and that qualifies bare addresses.
HOSTNAME = env.host("HOSTNAME", os.uname().nodename)
SMARTHOST, SMARTHOST_IS_SMTPS = read_smarthost(env.text("SMARTHOST"))
SMARTHOST_USER = env.text("SMARTHOST_USER")
SMARTHOST_PASSWORD = env.secret("SMARTHOST_PASSWORD")
SMARTHOST_TLS = env.choice(
    "SMARTHOST_TLS", LEVELS, "verified" if SMARTHOST_USER else "opportunistic"
)
# Whether a login may go out without TLS.
SMARTHOST_PLAIN_AUTH = env.flag("SMARTHOST_PLAIN_AUTH", False)
check_login(
    SMARTHOST,
    user=SMARTHOST_USER,
    password=SMARTHOST_PASSWORD,
    level=SMARTHOST_TLS,
    is_implicit=SMARTHOST_IS_SMTPS,
    may_be_plain=SMARTHOST_PLAIN_AUTH,
)
ROUTE = env.choice(
    "ROUTE", ("simulator", "smarthost", "mx"), "smarthost" if SMARTHOST else "simulator"
)
if ROUTE == "smarthost" and SMARTHOST is None:
    raise ImproperlyConfigured("FACTEUR_ROUTE is smarthost; FACTEUR_SMARTHOST must be host:port.")
# Exceptions by domain; they may hold passwords.
ROUTES = read_routes(env.secret("ROUTES"))
USES_SIMULATOR = "simulator" in {ROUTE, *(way.kind for way in ROUTES.values())}
# How much TLS the servers of a domain must give, beyond what they demand themselves.
TLS_POLICY = read_tls_policies(env.secret("TLS_POLICY"))
# Whose certificates are trusted instead of the system's authorities.
TLS_CA_FILE = env.text("TLS_CA_FILE")
check_authorities(TLS_CA_FILE)
MTA_STS = env.flag("MTA_STS", True)
# Empty: those of the system.
RESOLVERS = read_resolvers(env.words("RESOLVERS"))
# Whether their word on DNSSEC counts.
RESOLVER_VALIDATES = env.flag("RESOLVER_VALIDATES", False)
# Where mail may go although addresses found by DNS must not lie there.
ALLOW_NETWORKS = env.networks("ALLOW_NETWORKS")
MX_PORT = env.integer("MX_PORT", 25, at_least=1, at_most=65535)
MTA_STS_PORT = env.integer("MTA_STS_PORT", 443, at_least=1, at_most=65535)

RELAY_PROCESSES = env.integer("RELAY_PROCESSES", 1, at_least=1, at_most=64)
# Where the relay takes mail over the network: (host, port, whether TLS is there from the start).
SUBMISSION_LISTEN = env.listeners("SUBMISSION_LISTEN")
SUBMISSION_CERTIFICATE = env.text("SUBMISSION_CERTIFICATE")
SUBMISSION_KEY = env.text("SUBMISSION_KEY")
# From where a token may come without TLS.
SUBMISSION_PLAIN_NETWORKS = env.networks("SUBMISSION_PLAIN_NETWORKS", LOOPBACK)
check_submission(
    SUBMISSION_LISTEN, SUBMISSION_CERTIFICATE, SUBMISSION_KEY, SUBMISSION_PLAIN_NETWORKS
)

# Where what comes back goes, and where the relay takes it.
BOUNCE_DOMAIN = env.text("BOUNCE_DOMAIN").lower()
BOUNCE_LISTEN = env.listeners("BOUNCE_LISTEN")
BOUNCE_CERTIFICATE = env.text("BOUNCE_CERTIFICATE")
BOUNCE_KEY = env.text("BOUNCE_KEY")
check_bounces(BOUNCE_DOMAIN, BOUNCE_LISTEN, BOUNCE_CERTIFICATE, BOUNCE_KEY)

ADMIN_PASSWORD = env.secret("ADMIN_PASSWORD")
# Who must have a second factor before anything else.
REQUIRE_2FA = env.choice("REQUIRE_2FA", ("none", "administrators", "all"), "none")
# Whether administrators may look into the messages of accounts that they are no member of.
ADMIN_PREVIEWS = env.flag("ADMIN_PREVIEWS", True)

# What destinations are given, where it is not the usual: (name, connections, messages of one, per
# minute), the first that fits.
PACE = read_paces(env.words("PACE"))
# How long a worker's claim lasts unless it is renewed, in seconds.
LEASE_S = env.integer("LEASE_SECONDS", 60, at_least=2)
# How often due mail is looked for without a hint, in seconds.
SWEEP_S = env.integer("SWEEP_SECONDS", 60, at_least=1)
# New mail is refused when fewer bytes than this are free on the disk of the data folder.
MIN_FREE_DISK = env.integer("MIN_FREE_DISK", 1024**3)
# The limits of accounts that have none of their own, in recipients; 0 is none (see `limits`).
HOURLY_QUOTA = env.integer("HOURLY_QUOTA", 200)
DAILY_QUOTA = env.integer("DAILY_QUOTA", 2000)
# So many times the hourly quota handed over within ten minutes is too fast.
FAST_FACTOR = env.integer("FAST_FACTOR", 3)
ERROR_LIMIT = env.integer("ERROR_LIMIT", 100)
BOUNCE_PERCENT = env.integer("BOUNCE_PERCENT", 25, at_most=100)
HOLD_HOURS = env.integer("HOLD_HOURS", 72, at_least=1, at_most=720)
# So many times the daily quota may be held; and so many bytes.
HOLD_FACTOR = env.integer("HOLD_FACTOR", 3)
HOLD_BYTES = env.integer("HOLD_BYTES", 1024**3)
# What becomes of e-mails whose author is of a domain that is not the account's, unless the account
# says otherwise (see `senders`).
SENDER_POLICY = env.choice("SENDER_POLICY", ("allow", "warn", "rewrite", "refuse"), "allow")
# What becomes of mail that is judged spam, unless the account has a rule of its own; and how much
# of it within ten minutes stops an account, in messages and in recipients.
SCREENING = env.choice("SCREENING", ("hold", "note", "off"), "hold")
SPAM_MESSAGES = env.integer("SPAM_MESSAGES", 5)
SPAM_RECIPIENTS = env.integer("SPAM_RECIPIENTS", 50)
# Whether owners may say that e-mails judged spam are wanted, unless their account says otherwise.
OWNERS_OVERRULE = env.flag("OWNERS_OVERRULE", False)
# Engines that look at what goes out, beside our own rules; none where nothing is set.
RSPAMD = read_rspamd(env.text("RSPAMD_URL"))
CLAMD = read_clamd(env.text("CLAMD"))
# How long a message waits for their answer, in seconds.
ENGINE_TIMEOUT_S = env.integer("ENGINE_SECONDS", 3, at_least=1, at_most=30)
# From which addresses mail leaves, and the name whose SPF record holds them, for `dns_records`.
OUTBOUND_ADDRESSES = env.networks("OUTBOUND_ADDRESSES")
SPF_INCLUDE = env.domain("SPF_INCLUDE")
# Whether hosts that e-mails link to are looked at: with the simulator nothing leaves this machine.
CHECK_LINKS = env.flag("CHECK_LINKS", ROUTE != "simulator")
# Reputation lists of addresses that are asked, by their zones.
DNSBL = env.domains("DNSBL")
# The largest message, in bytes as it would travel (the guide: 10 Mo).
MESSAGE_SIZE_LIMIT = 10_485_760

_database_url = env.secret("DATABASE_URL", f"sqlite:///{DATA_DIR / 'facteur.sqlite3'}")
try:
    DATABASES = {"default": dj_database_url.parse(_database_url, conn_max_age=600)}
except ValueError as error:
    # Its own words could hold the password.
    raise ImproperlyConfigured("FACTEUR_DATABASE_URL is no URL of a database.") from error
_engine = DATABASES["default"]["ENGINE"]
if DATABASES["default"]["NAME"] in {"", ":memory:"}:
    raise ImproperlyConfigured("FACTEUR_DATABASE_URL must name a database that lasts.")
if _engine == "django.db.backends.sqlite3":
    DATABASES["default"] |= {
        "ENGINE": "mailqueue.sqlite",
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            # FULL: what was committed survives a power cut, not only a crash of the process.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        },
    }
elif _engine == "django.db.backends.postgresql":
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    # Without a number psycopg prepares nothing, even if it is asked to: see mailqueue/statements.
    DATABASES["default"].setdefault("OPTIONS", {})["prepare_threshold"] = 5
else:
    raise ImproperlyConfigured("FACTEUR_DATABASE_URL must begin with sqlite:/// or postgres://.")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Empty: `manage.py up` starts a private Redis on a socket in the runtime folder.
REDIS_URL = env.secret("REDIS_URL")
CELERY_BROKER_URL = REDIS_URL or f"redis+socket://{REDIS_SOCKET}"

# Failed logins are counted here, so all web processes of the machine must share it; in files,
# because nobody should be locked out while Redis is away.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": DATA_DIR / "cache",
        # Beyond this, counts are dropped at random: a guesser must not get there soon.
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    },
}

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "mailqueue",
    "relay",
    "panel",
]
MIDDLEWARE = [
    "panel.proxies.forwarded_scheme",
    "django.middleware.security.SecurityMiddleware",
    "panel.middleware.content_security_policy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "panel.middleware.language_of_user",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "panel.two_factor.SecondFactorFirst",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "panel.urls"
WSGI_APPLICATION = "panel.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "panel.context.house",
            ],
        },
    },
]

AUTH_USER_MODEL = "panel.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "accounts"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_ADAPTER = "panel.access.ClosedSignup"
ACCOUNT_EMAIL_VERIFICATION = "none"
# Whoever asks for a new password learns nothing: neither page nor letter tells of an address that
# is not known, and only so many letters go to one that is.
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_RATE_LIMITS = {"reset_password": "20/m/ip,5/h/key", "accept_invitation": "30/m/ip"}
ACCOUNT_FORMS = {"reset_password": "panel.password_reset.ResetForm"}
# Django's own: it ends with the password, the address or the last login that it was made for.
_tokens = "django.contrib.auth.tokens"
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = f"{_tokens}.PasswordResetTokenGenerator"
# Seconds. A server that turns strangers away the first time takes the letter within the hour.
PASSWORD_RESET_TIMEOUT = 4 * 3600
MFA_ADAPTER = "panel.two_factor.Adapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_FORMS = {
    "authenticate": "panel.two_factor.AuthenticateForm",
    "reauthenticate": "panel.two_factor.ReauthenticateForm",
}
# Clocks of phones differ, and people type slowly: the code before and after counts too.
MFA_TOTP_TOLERANCE = 1
MFA_TOTP_ISSUER = f"Facteur {_public_name}"
# POST alone signs out: a link on a strange page must not.
ACCOUNT_LOGOUT_ON_GET = False

# Instead of files of any size on the disk (see `uploads`).
FILE_UPLOAD_HANDLERS = ["panel.uploads.BoundedUploadHandler"]
SESSION_COOKIE_SECURE = _is_https
CSRF_COOKIE_SECURE = _is_https
SESSION_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "panel.views.errors.forged"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

# The panel's own letters go the way of all mail.
EMAIL_BACKEND = "panel.mail.QueueBackend"
DEFAULT_FROM_EMAIL = env.text("MAIL_FROM", f"Facteur <facteur@{HOSTNAME}>")

LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", _("French")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "panel" / "locale"]
FORMAT_MODULE_PATH = ["panel.formats"]
USE_I18N = True
USE_TZ = True
USE_THOUSAND_SEPARATOR = True
TIME_ZONE = "UTC"

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Served from where they lie: there is nothing to collect.
WHITENOISE_USE_FINDERS = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {"mail.log": {"level": "WARNING"}, "celery": {"level": "WARNING"}},
}
