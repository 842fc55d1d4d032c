"""Django settings. Everything that differs between installations is an environment variable `OTAI_*`.

Embedded default: SQLite and local files below `OTAI_HOME`, one machine, no service to start. Production:
`OTAI_DATABASE_URL` names a PostgreSQL, `OTAI_FILES` an fsspec URL.
"""

from __future__ import annotations

import os
from email.utils import formataddr
from pathlib import Path
from typing import Any

import dj_database_url
import platformdirs

from otai.config.addresses import allowed_hosts, base_url
from otai.config.colours import style_sheet
from otai.config.languages import CATALOGUES, languages
from otai.config.look import logo, studio_name
from otai.environment import InvalidSetting, choice, number, number_if_set, refuse_what_means_nothing, switch
from otai.key_files import former_keys, secret_key
from otai.orgs.legal_places import legal_pages

# Also those that only a server's or a worker's own process reads: each program says at its door what means nothing.
refuse_what_means_nothing()

OTAI_HOME = Path(os.environ.get("OTAI_HOME") or platformdirs.user_data_dir("otai")).absolute()
"""Where the embedded installation keeps its database and files."""

OTAI_FILES = os.environ.get("OTAI_FILES") or (OTAI_HOME / "files").as_uri()
"""fsspec URL of the file store for data sets and models, for example `s3://bucket/otai`."""

OTAI_ENCRYPT_FILES = switch("OTAI_ENCRYPT_FILES")
"""Whether files of organisations (tickets, holdouts, models, checkpoints) are encrypted in the store, with a key for
each organisation."""

OTAI_OPENED_FILES = os.environ.get("OTAI_OPENED_FILES", "")
"""Folder for copies of what is in encrypted files, while they are used; best one that lies in memory."""

OTAI_CHECKPOINT_STORE = os.environ.get("OTAI_CHECKPOINT_STORE", "")
"""fsspec URL of a folder, best on another machine, that gets each day's checkpoint of the ledger."""

OTAI_CHECKPOINT_MAIL = os.environ.get("OTAI_CHECKPOINT_MAIL", "")
"""Address that gets each day's checkpoint of the ledger."""

OTAI_PRICE_BOOK = os.environ.get("OTAI_PRICE_BOOK") or "otai.pricing.price_book:PRICE_BOOK"
"""`module:name` of the price book in force. A vendor who runs this names its own."""

OTAI_PRICE_BOOKS = Path(os.environ.get("OTAI_PRICE_BOOKS") or OTAI_HOME / "price-books")
"""Folder of price books that come into force on a day of their own: `otai billing schedule-price-book`."""
OTAI_GOODWILL_ALONE = number("OTAI_GOODWILL_ALONE")
OTAI_PAYMENT_ALONE = number("OTAI_PAYMENT_ALONE")
OTAI_ALONE_DAYS = number("OTAI_ALONE_DAYS")
OTAI_PAYMENTS_PER_DAY = number("OTAI_PAYMENTS_PER_DAY")
"""What one operator may do alone for an organisation within so many days: credits of goodwill, and payments (in EUR)
confirmed by hand. Above, a second one approves."""

OTAI_SELLER = os.environ.get("OTAI_SELLER", "")
OTAI_VIES = os.environ.get("OTAI_VIES", "")
OTAI_ACCOUNTS = os.environ.get("OTAI_ACCOUNTS", "")
"""TOML file that says who sells: name, address, VAT id, bank account. Without it invoices are specimens of a fictitious
seller."""

OTAI_STRIPE_SECRET_KEY = os.environ.get("OTAI_STRIPE_SECRET_KEY", "")
OTAI_STRIPE_WEBHOOK_SECRET = os.environ.get("OTAI_STRIPE_WEBHOOK_SECRET", "")
OTAI_STRIPE_API_BASE = os.environ.get("OTAI_STRIPE_API_BASE", "")
"""Stripe is offered where a secret key is set. The base address is only set for a local double."""

OTAI_GATEWAYS = ["otai.billing.gateways.bank_transfer:BankTransfer"]
"""The ways to pay, `module:Class` each; the first one is the default."""
if OTAI_STRIPE_SECRET_KEY:
    OTAI_GATEWAYS.append("otai.billing.gateways.stripe:Stripe")

OTAI_NAME = studio_name(os.environ.get("OTAI_NAME", ""))
"""Under which name the Studio is offered."""
OTAI_LOGO_PICTURE = logo(os.environ.get("OTAI_LOGO", ""))
OTAI_COLOUR_SHEET = style_sheet(
    os.environ.get("OTAI_COLOUR", "").strip(), os.environ.get("OTAI_COLOUR_DARK", "").strip()
)
"""The vendor's logo, and a style sheet with the shades of their colour in light and dark; None and empty: ours."""

OTAI_LEGAL = {
    "terms": legal_pages(os.environ.get("OTAI_TERMS", ""), setting="OTAI_TERMS"),
    "privacy": legal_pages(os.environ.get("OTAI_PRIVACY", ""), setting="OTAI_PRIVACY"),
    "imprint": legal_pages(os.environ.get("OTAI_IMPRINT", ""), setting="OTAI_IMPRINT"),
}
"""The vendor's terms, privacy notice and imprint: by language a web address, or a file of Markdown or text."""
OTAI_TERMS_VERSION = os.environ.get("OTAI_TERMS_VERSION", "").strip()[:100]
"""What the terms in force are called, for the record of who accepted them; empty: a fingerprint of what they say."""

_base = base_url(os.environ.get("OTAI_BASE_URL") or "http://localhost:8000")
OTAI_BASE_URL = _base.origin
"""Where people reach this installation. Scheme and host of everything derive from it: links, cookies, forms, passkeys;
no request's do."""
OTAI_IS_OPEN = not _base.is_loopback
"""Whether others than this machine reach it: then more is needed (`otai check`)."""
OTAI_TRUSTED_PROXIES = number("OTAI_TRUSTED_PROXIES")
"""How many reverse proxies of ours stand before this. Without one, X-Forwarded-For and X-Forwarded-Proto are a
visitor's claims."""

# Mail: without a server the embedded installation writes each mail to a file below OTAI_HOME.
EMAIL_HOST = os.environ.get("OTAI_EMAIL_HOST", "")
EMAIL_PORT = number("OTAI_EMAIL_PORT")
EMAIL_HOST_USER = os.environ.get("OTAI_EMAIL_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("OTAI_EMAIL_PASSWORD", "")
EMAIL_USE_TLS = switch("OTAI_EMAIL_TLS")
EMAIL_TIMEOUT = 20
EMAIL_FILE_PATH = str(OTAI_HOME / "mail")
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'filebased'}.EmailBackend"
DEFAULT_FROM_EMAIL = os.environ.get("OTAI_EMAIL_FROM") or formataddr((OTAI_NAME, "studio@localhost"))


SECRET_KEY = secret_key(OTAI_HOME, os.environ.get("OTAI_SECRET_KEY", ""))
SECRET_KEY_FALLBACKS = former_keys(OTAI_HOME, os.environ.get("OTAI_OLD_SECRET_KEYS", ""))
"""Keys of before: what they signed and sealed is still read, until `otai keys rewrap` has sealed it anew."""
OTAI_CHECKPOINT_KEY = os.environ.get("OTAI_CHECKPOINT_KEY", "")
OTAI_OLD_CHECKPOINT_KEYS = [key for key in os.environ.get("OTAI_OLD_CHECKPOINT_KEYS", "").split(",") if key]
"""Sign the ledger's checkpoints in the place of keys derived from SECRET_KEY; those of before are still verified."""
DEBUG = False
ALLOWED_HOSTS = allowed_hosts(_base, os.environ.get("OTAI_ALLOWED_HOSTS", ""))
CSRF_TRUSTED_ORIGINS = [OTAI_BASE_URL]
CSRF_FAILURE_VIEW = "otai.web.accounts.typed_again.forged_or_too_old"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if OTAI_TRUSTED_PROXIES else None
# A browser remembers it for the host, whatever its port: on this machine other servers would suffer.
_hsts_seconds = number_if_set("OTAI_HSTS_SECONDS")
if _hsts_seconds is None:
    _hsts_seconds = 365 * 24 * 60 * 60 if _base.is_https and OTAI_IS_OPEN else 0
SECURE_HSTS_SECONDS = _hsts_seconds
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGES = languages(os.environ.get("OTAI_LANGUAGES", ""))
"""The only list of languages. The first one is for who asks for none of them."""
LANGUAGE_CODE = LANGUAGES[0][0]
# Of two catalogues that have a sentence the one named here wins: Django's own says "Save" otherwise than our pages do.
LOCALE_PATHS = [str(CATALOGUES), str(CATALOGUES.parent / "accounts" / "locale")]
LANGUAGE_COOKIE_NAME = "otai_language"
LANGUAGE_COOKIE_AGE = 365 * 24 * 60 * 60
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = _base.is_https

INSTALLED_APPS = [
    # Its tables are found by the URL table: most commands show none.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "otai.orgs",
    "otai.ledger",
    "otai.jobs",
    "otai.billing",
    "otai.tickets",
    "otai.runs",
    "otai.serving",
    "otai.outbound",
    "otai.helpdesks",
    "otai.privacy",
    "otai.api",
    "otai.web",
    # Before allauth: our templates and sentences stand in the place of its own.
    "otai.web.accounts",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
]
MIDDLEWARE: list[str] = [
    "otai.config.gate.Gate",
    "django.middleware.security.SecurityMiddleware",
    "otai.web.static_files.StudioStaticFiles",
    "otai.web.middleware.CompressPages",
    "otai.web.middleware.StudioMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    # Before the check against forgery, which reads the body.
    "otai.web.uploads.BoundedBodies",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "otai.web.accounts.session_limits.EndingSessions",
    "otai.config.upload_gate.AskedFirst",
    "otai.web.accounts.language.PersonalLanguage",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "otai.web.page_rates.PageRates",
    "allauth.account.middleware.AccountMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "otai.web.frame.frame",
            ],
        },
    },
]
STATIC_URL = "/static/"
STATIC_ROOT = OTAI_HOME / "static"
WHITENOISE_USE_FINDERS = True
WHITENOISE_MANIFEST_STRICT = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # `otai studio` fills STATIC_ROOT at its start: compressed once, named by content, kept by browsers. Before, as the
    # packages keep them.
    "staticfiles": {"BACKEND": "otai.web.static_files.StudioStatic"},
}
# The REST API and webhooks.
OTAI_API_REQUESTS_PER_MINUTE = number("OTAI_API_REQUESTS_PER_MINUTE")
"""Of one key or person, over all processes."""
OTAI_VENDOR_REQUESTS_PER_MINUTE = number("OTAI_VENDOR_REQUESTS_PER_MINUTE")
"""Of one vendor key: each call is an event that is kept for good."""
OTAI_PAGES_PER_MINUTE = number("OTAI_PAGES_PER_MINUTE")
OTAI_PAGES_PER_MINUTE_OF_ADDRESS = number("OTAI_PAGES_PER_MINUTE_OF_ADDRESS")
OTAI_COSTLY_PAGES_PER_MINUTE = number("OTAI_COSTLY_PAGES_PER_MINUTE")
"""Of one person; of one network address; and of one person what is searched, written as PDF or taken along."""
OTAI_UPLOAD_MOST_BYTES = number("OTAI_UPLOAD_MOST_BYTES")
"""The largest file of tickets that is taken over HTTP; the command line on the machine itself takes larger ones."""
OTAI_JOBS_AT_ONCE = number("OTAI_JOBS_AT_ONCE")
"""Imports that one machine works on at once; 0: half as many as it has cores, and two at least. As many again look at
beginnings of files."""
OTAI_JOB_MEMORY_BYTES = number("OTAI_JOB_MEMORY_MB") << 20
"""What one import, preview or look at tickets may hold in memory."""
OTAI_JOB_SECONDS = number("OTAI_JOB_SECONDS")
"""How long one import may take; what somebody waits for, such as a preview, may take a twentieth of it."""
OTAI_JOBS_WAIT_SECONDS = 2.0
"""How long a page waits for a job before it shows its progress instead."""
OTAI_JOBS_LONGEST_WAIT_SECONDS = 30.0
"""How long an answer of the API is held back at most, however long its caller wants to wait."""
OTAI_JOBS_WAITING_REQUESTS = max(1, number("OTAI_WEB_THREADS") // 4)
"""So many requests of one process wait for jobs; others are answered at once, with the job."""
OTAI_WEBHOOKS_ALLOW_PRIVATE = switch("OTAI_WEBHOOKS_ALLOW_PRIVATE")
"""Webhooks may go to private addresses and to plain http: for a Studio and receivers in one private network."""
OTAI_HELPDESKS_ALLOW_PRIVATE = switch("OTAI_HELPDESKS_ALLOW_PRIVATE")
"""The same of helpdesks that tickets are read from; what is allowed for webhooks is allowed for them."""

AUTH_PASSWORD_VALIDATORS = [{"NAME": "otai.web.accounts.passwords.NotEasilyGuessed"}]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "web:front_door"
LOGOUT_REDIRECT_URL = "account_login"

OTAI_VERIFY_MAIL = switch("OTAI_VERIFY_MAIL")
"""Whether a mail address must be confirmed before its owner gets in. Needs a mail server; set it wherever strangers can
sign up."""

OTAI_PUBLIC_MAIL_DOMAINS = [name for name in os.environ.get("OTAI_PUBLIC_MAIL_DOMAINS", "").split(",") if name]
"""Mail providers beside those we know, whose addresses say nothing of a company: initial credits and the guarantee are
given once for each person there, elsewhere once for each domain."""

ACCOUNT_ADAPTER = "otai.web.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if OTAI_VERIFY_MAIL else "optional"
# In the browser where the person signed up, and nowhere else: docs/decisions/0915.
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_CHANGE_EMAIL = True
OTAI_ASK_AGAIN_MINUTES = number("OTAI_ASK_AGAIN_MINUTES")
"""Who signed in, or said who they are, longer ago than this is asked again before keys, members, deletion, mail address
and second factor change."""
ACCOUNT_REAUTHENTICATION_TIMEOUT = OTAI_ASK_AGAIN_MINUTES * 60
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = _base.scheme
ACCOUNT_FORMS = {
    "login": "otai.web.accounts.forms.SignInForm",
    "signup": "otai.web.accounts.forms.SignUpForm",
    "add_email": "otai.web.accounts.forms.ChangeAddressForm",
    "change_password": "otai.web.accounts.forms.ChangePasswordForm",
    "set_password": "otai.web.accounts.forms.SetPasswordForm",
    "reset_password": "otai.web.accounts.forms.AskForNewPasswordForm",
    "reset_password_from_key": "otai.web.accounts.forms.NewPasswordFromLinkForm",
    "reauthenticate": "otai.web.accounts.forms.ConfirmPasswordForm",
}
# For one address of the network, one person, or one mail address. Counted in the database: several processes share the
# count.
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "30/10m/ip,5/5m/key",
    "signup": "20/h/ip",
    "reset_password": "20/h/ip,5/h/key",
    "reset_password_from_key": "20/m/ip",
    "confirm_email": "1/3m/key",
    # Each is a mail to an address that somebody typed: allauth allows ten a minute.
    "manage_email": "10/h/user,20/d/user",
    # Each is a mail to an address that somebody typed; beside it stands the limit on open invitations.
    "invite": "60/h/user",
}
# The gate has made REMOTE_ADDR the visitor's address: nobody behind it reads X-Forwarded-For again.
ALLAUTH_TRUSTED_PROXY_COUNT = 0

OTAI_DESK_SECOND_FACTOR = switch("OTAI_DESK_SECOND_FACTOR", otherwise=OTAI_IS_OPEN)
"""Whether operators need a second factor for the desk: wherever others than this machine reach it, unless it is
switched off."""

MFA_ADAPTER = "otai.web.accounts.adapter.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_FORMS = {"add_webauthn": "otai.web.accounts.forms.AddPasskeyForm"}
MFA_TOTP_ISSUER = OTAI_NAME
MFA_TOTP_TOLERANCE = 1
# Without a mail server nobody can confirm an address, and shall be able to protect their account all the same.
MFA_ALLOW_UNVERIFIED_EMAIL = not OTAI_VERIFY_MAIL

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "otai_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
}

OTAI_SESSION_IDLE_MINUTES = number("OTAI_SESSION_IDLE_MINUTES")
"""After so long without a request a session ends."""
OTAI_SESSION_HOURS = number("OTAI_SESSION_HOURS")
"""So long after signing in a session ends, whatever came meanwhile. Both as ASVS 3.3.2 has it for level 2."""
OTAI_OPERATOR_SESSION_IDLE_MINUTES = number("OTAI_OPERATOR_SESSION_IDLE_MINUTES")
OTAI_OPERATOR_SESSION_HOURS = number("OTAI_OPERATOR_SESSION_HOURS")
"""The same for operators."""
OTAI_ACCESS_EVENTS_DAYS = number("OTAI_ACCESS_EVENTS_DAYS")
"""For how long it is kept who signed in, from where, and what was refused."""
SESSION_COOKIE_AGE = OTAI_SESSION_IDLE_MINUTES * 60
"""Until the first request of a session; from then on `otai.web.accounts.session_limits` says when it ends."""
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _base.is_https
if _base.is_https:
    # A browser takes a cookie of such a name from this host alone and over TLS alone: no other host of the domain can
    # plant one.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
ROOT_URLCONF = "otai.config.urls"
AUTH_USER_MODEL = "orgs.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


OTAI_DATABASE_LOCK_SECONDS = number("OTAI_DATABASE_LOCK_SECONDS")
"""How long a statement waits for a row of PostgreSQL that another transaction has; 0: without end, for poolers that
pass no options on."""

OTAI_DATABASE_POOL_SIZE = number_if_set("OTAI_DATABASE_POOL_SIZE")
"""Connections to PostgreSQL that a server's process has at most; 0: one for each of its threads; None: as many as its
work needs (otai/config/asgi.py)."""


def database(url: str) -> dict[str, Any]:
    """Django's settings for the database at `url`, with what SQLite and PostgreSQL need for our ledger and queue.
    Raises InvalidSetting for an address of neither."""
    try:
        config: dict[str, Any] = dict(dj_database_url.parse(url))
    except ValueError:
        config = {"ENGINE": ""}
    if not config["ENGINE"].endswith((".sqlite3", ".postgresql")):
        # The rest of it may hold a password.
        raise InvalidSetting("database", scheme=url.partition(":")[0][:20], setting="OTAI_DATABASE_URL")
    options = dict(config.get("OPTIONS") or {})
    if config["ENGINE"].endswith("sqlite3"):
        options |= {
            # A write transaction takes the write lock at its start: two writers queue up instead of failing half-way.
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON;"
            ),
        }
        # Closing the last connection writes the log back into the database: not after each request.
        config["CONN_MAX_AGE"] = number("OTAI_DATABASE_CONN_MAX_AGE")
    else:
        config["CONN_MAX_AGE"] = number("OTAI_DATABASE_CONN_MAX_AGE")
        config["CONN_HEALTH_CHECKS"] = True
        # Statements are bound and prepared on the server: the ledger's one-statement operations gain most of their
        # speed here.
        options |= {"server_side_binding": True, "prepare_threshold": 2}
        if OTAI_DATABASE_LOCK_SECONDS:
            # Whoever waits for a row longer than this is told to try again: a transaction that hangs must not hang
            # everybody's.
            said = f"-c lock_timeout={OTAI_DATABASE_LOCK_SECONDS}s"
            options["options"] = " ".join(filter(None, [options.get("options"), said]))
    config["OPTIONS"] = options
    return config


DATABASES = {"default": database(os.environ.get("OTAI_DATABASE_URL") or f"sqlite:///{OTAI_HOME / 'otai.sqlite3'}")}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"},
        "json": {"()": "otai.runs.log_lines.JsonLinesFormatter"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": choice("OTAI_LOG_FORMAT"),
        }
    },
    "filters": {"in_a_line": {"()": "otai.config.logs.InALine"}},
    # Anybody can ask for a host that is not ours: a line each, no traceback.
    "loggers": {"django.security.DisallowedHost": {"filters": ["in_a_line"]}},
    "root": {"handlers": ["stderr"], "level": choice("OTAI_LOG_LEVEL")},
}
