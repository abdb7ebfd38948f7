"""Settings, all read from the environment or from `.env`; `.env.example` lists them.

An invalid value prevents the start with one sentence (`ImproperlyConfigured`).
"""

import os
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from chatapi import __version__
from chatapi.env import (
    BASE_DIR,
    MAIL_SCHEMES,
    database,
    flag,
    hosts,
    items,
    keys,
    mail,
    mailbox,
    number,
    public_url,
    rate,
    read_env_file,
    text,
    url,
)
from chatapi.limits.rate import Rate
from chatapi.private_files import make_folder_private, make_private
from chatapi.text.domains import is_local, mail_domain

read_env_file()

# --- Installation -----------------------------------------------------------------------------

DEBUG = flag("DEBUG", False)
SECRET_KEY = text("SECRET_KEY")
if not SECRET_KEY:
    if not DEBUG:
        raise ImproperlyConfigured(
            "SECRET_KEY is not set: give it fifty random characters in .env or the environment"
            " (`make run` does so by itself; DEBUG=true does without)."
        )
    SECRET_KEY = "insecure-key-of-a-developer's-machine"  # noqa: S105 (used only with DEBUG)
if len(SECRET_KEY) < 32:
    raise ImproperlyConfigured("SECRET_KEY must have at least 32 characters; fifty are usual.")

HOST = text("HOST") or "127.0.0.1"
PORT = number("PORT", 8000, minimum=1, maximum=65_535)
PUBLIC_URL = public_url("PUBLIC_URL", f"http://127.0.0.1:{PORT}")
PUBLIC_HOST = urlsplit(PUBLIC_URL).netloc.removesuffix(f":{urlsplit(PUBLIC_URL).port}")
HTTPS = PUBLIC_URL.startswith("https://")
LOCAL_HOSTS = ["127.0.0.1", "localhost", "[::1]"] if DEBUG or is_local(PUBLIC_HOST) else []
ALLOWED_HOSTS = hosts("ALLOWED_HOSTS", [PUBLIC_HOST, *LOCAL_HOSTS])

# The number of our own proxies in front of the server. The client's address is that many places
# from the end of X-Forwarded-For; with 0, the header is ignored.
NUM_PROXIES = number("NUM_PROXIES", 0)

# --- Applications -----------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
    "chatapi",
    "accounts",
    "companies",
    "chats",
    "allauth",  # after our own apps, whose templates override its templates
    "allauth.account",
    "allauth.mfa",
]
AUTH_USER_MODEL = "accounts.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "chatapi.urls"
WSGI_APPLICATION = "chatapi.wsgi.application"
ASGI_APPLICATION = "chatapi.asgi.application"

MIDDLEWARE = [
    "chatapi.observability.health.HealthMiddleware",
    "chatapi.api.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.common.CommonMiddleware",
    "chatapi.api.middleware.ApiErrorMiddleware",
    "chatapi.website.middleware.ContentSecurityMiddleware",
    "chatapi.website.middleware.SessionMiddleware",
    "chatapi.website.middleware.LocaleMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "chatapi.website.middleware.AuthenticationMiddleware",
    "chatapi.website.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.login.known_browsers.KnownBrowserMiddleware",
]
APPEND_SLASH = False  # /api must not redirect

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
            ]
        },
    }
]

# --- Data -------------------------------------------------------------------------------------

DATA_DIR = Path(text("DATA_DIR") or BASE_DIR / "var").resolve()
os.umask(0o077)  # all files that the processes write are private
try:
    DATA_DIR.mkdir(parents=True, exist_ok=True)
    make_folder_private(DATA_DIR, BASE_DIR)
except PermissionError:
    raise ImproperlyConfigured(
        "DATA_DIR must be a folder of this service alone, since it holds passwords and messages:"
        f" {DATA_DIR} is somebody else's, or serves others as well."
    ) from None
except OSError as error:
    raise ImproperlyConfigured(
        f"DATA_DIR must be a folder that can be made and written to: {DATA_DIR} ({error.strerror})."
    ) from None

DATABASE = database("DATABASE_URL", f"sqlite:///{DATA_DIR / 'chatapi.sqlite3'}")
if DATABASE["ENGINE"] == "chatapi.db.postgresql":
    DATABASE["CONN_MAX_AGE"] = number("DATABASE_CONN_MAX_AGE", 600)
    # After a backend was terminated, reconnect instead of failing the request.
    DATABASE["CONN_HEALTH_CHECKS"] = True
    timeout = f"-c statement_timeout={number('DATABASE_STATEMENT_TIMEOUT', 15_000)}"
    DATABASE["OPTIONS"] = {
        "options": timeout,
        "connect_timeout": 5,
        **DATABASE["OPTIONS"],
        # The server plans a statement only once. Set 0 if a pooler does not support it.
        "server_side_binding": True,
        "prepare_threshold": number("DATABASE_PREPARE_THRESHOLD", 3) or None,
    }
else:
    DATABASE["OPTIONS"] = {
        # Writers take the lock at BEGIN, so that concurrent ones queue instead of failing later.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
        " PRAGMA cache_size=-32000; PRAGMA secure_delete=ON;",
        **DATABASE.get("OPTIONS", {}),
    }
    for suffix in ("", "-wal", "-shm"):  # the file may be outside DATA_DIR
        with suppress(OSError):  # missing, or owned by another user: `check --deploy` reports it
            make_private(Path(f"{DATABASE['NAME']}{suffix}"))
DATABASES = {"default": DATABASE}

REDIS_URL = url("REDIS_URL", "", ("redis", "rediss", "unix"))
REDIS_PREFIX = text("REDIS_PREFIX", "chatapi:")

# Keys for chat passwords, newest first: the first one encrypts, all of them decrypt.
CHAT_PASSWORD_KEYS = items("CHAT_PASSWORD_KEYS", [])

# Keys that sign transcripts, newest first: the first one signs, all of them verify. The other key
# must stay the same, or the hashes of later transcripts differ from those of earlier ones.
TRANSCRIPT_KEYS = keys("TRANSCRIPT_KEYS")
TRANSCRIPT_SALT_KEY = "".join(keys("TRANSCRIPT_SALT_KEY"))
if len(TRANSCRIPT_SALT_KEY) > 64:
    raise ImproperlyConfigured("TRANSCRIPT_SALT_KEY must be a single key.")

# --- Background work and mail -----------------------------------------------------------------

CELERY_BROKER_URL = url(
    "CELERY_BROKER_URL",
    REDIS_URL or "filesystem://localhost",
    ("redis", "rediss", "amqp", "amqps", "filesystem", "sentinel"),
)

EMAIL_URL = url("EMAIL_URL", "consolemail://", MAIL_SCHEMES)
vars().update(mail(EMAIL_URL))
EMAIL_TIMEOUT = number("EMAIL_TIMEOUT", 10, minimum=1)
# The time that a worker has to send a mail before another worker may try.
MAIL_LEASE_SECONDS = number("MAIL_LEASE_SECONDS", 30, minimum=1)
MAIL_DOMAIN = mail_domain(PUBLIC_HOST)
DEFAULT_FROM_EMAIL = mailbox("DEFAULT_FROM_EMAIL", f"Chat <chat@{MAIL_DOMAIN}>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# --- Web server -------------------------------------------------------------------------------

# Processes. Without Redis there is one, because limits and presence are then in its memory.
WEB_CONCURRENCY = number("WEB_CONCURRENCY", 2 if REDIS_URL else 1, minimum=1)
# Threads of each web process that handle requests; more than four only wait for each other.
WEB_THREADS = number("WEB_THREADS", 4, minimum=1)

# A client has CLIENT_SECONDS to send the head of a request. In each period of that length it must
# send CLIENT_BYTES_PER_SECOND of a body on average, or read as much of a response.
MAX_HEAD_BYTES = number("MAX_HEAD_BYTES", 32 * 1024, minimum=4096)
CLIENT_SECONDS = number("CLIENT_SECONDS", 15, minimum=1)
CLIENT_BYTES_PER_SECOND = number("CLIENT_BYTES_PER_SECOND", 512)
BODY_SECONDS = number("BODY_SECONDS", 60, minimum=1)
KEEP_ALIVE_SECONDS = number("KEEP_ALIVE_SECONDS", 75, minimum=1)
# Limits on the connections of one process that wait for their clients.
CONNECTIONS_PER_ADDRESS = number("CONNECTIONS_PER_ADDRESS", 100, minimum=1)
CONNECTIONS_PER_PROCESS = number("CONNECTIONS_PER_PROCESS", 4000, minimum=1)

# Of every route whose policy has no other limit.
MAX_BODY_BYTES = 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
# Larger bodies arrive in files without names, which these bound for one network and in total.
UPLOAD_DIR = Path(text("UPLOAD_DIR") or DATA_DIR / "uploads").resolve()
UPLOAD_BYTES_PER_ADDRESS = number("UPLOAD_BYTES_PER_ADDRESS", 256 * 1024 * 1024, MAX_BODY_BYTES)
UPLOAD_BYTES_PER_PROCESS = number("UPLOAD_BYTES_PER_PROCESS", 1024 * 1024 * 1024, MAX_BODY_BYTES)
FILE_UPLOAD_TEMP_DIR = UPLOAD_DIR
FILE_UPLOAD_HANDLERS = ["chatapi.files.uploads.HashingUploadHandler"]
# A body with files must arrive at this rate on average.
UPLOAD_BYTES_PER_SECOND = number("UPLOAD_BYTES_PER_SECOND", 16 * 1024, minimum=1)
try:
    UPLOAD_DIR.mkdir(exist_ok=True)
    usable = os.access(UPLOAD_DIR, os.W_OK | os.X_OK)
except OSError:
    usable = False
if not usable:
    raise ImproperlyConfigured(
        f"UPLOAD_DIR must be a folder that can be made and written to: {UPLOAD_DIR}."
    )

# Limits on the streams that one process has open.
STREAMS_PER_TOKEN = number("STREAMS_PER_TOKEN", 10, minimum=1)
STREAMS_PER_ADDRESS = number("STREAMS_PER_ADDRESS", 100, minimum=1)
STREAMS_PER_PROCESS = number("STREAMS_PER_PROCESS", 10_000, minimum=1)
# A stream is closed when this much is waiting for a slow client.
STREAM_BUFFER_BYTES = number("STREAM_BUFFER_BYTES", 256 * 1024, minimum=64 * 1024)

# --- Rate limits ------------------------------------------------------------------------------

LIMITS = {
    name: rate(f"LIMIT_{name}", default)
    for name, default in {
        "READ": "100/s",
        "WRITE": "30/s",
        "SEND": "20/s",
        "SEARCH": "10/s",
        "TRANSCRIPT": "10/m",
        "ANONYMOUS": "120/m",
        "JOIN": "10/m",
        "PASSWORD": "60/h",
        "CODE_MAIL": "5/h",
        "MAIL": "20/h",
        "MAIL_NETWORK": "60/h",
        "MAIL_ACCOUNT": "20/h",
        "MAIL_COMPANY": "20/h",
        "CODE_TRY": "10/m",
        "UPLOAD": "60/m",
        "STREAM": "20/m",
        "LOGIN": "10/m",
        "LOGIN_ACCOUNT": "100/h",
        "BAD_TOKEN": "600/m",
    }.items()
}
# An address gets one code mail a minute in a chat, unless CODE_MAIL allows more than 60 an hour.
LIMITS["CODE_MAIL_PAUSE"] = LIMITS["CODE_MAIL"].pause()
# Pages that ask for tokens, which guess nothing.
LIMITS["BROWSER_TOKEN"] = LIMITS["LOGIN"]
# A code of an authenticator app works once.
LIMITS["USED_CODE"] = Rate.parse("1/h")

# The number of searches, deep pages and statistics that one account or chat user may run at once,
# and the milliseconds that one of their statements may take.
MAX_EXPENSIVE_READS = number("MAX_EXPENSIVE_READS", 4, minimum=1)
LIST_TIMEOUT = number("LIST_TIMEOUT", 5_000, minimum=1)
STATISTICS_TIMEOUT = number("STATISTICS_TIMEOUT", 10_000, minimum=1)

# --- Attachments ------------------------------------------------------------------------------

MAX_FILES = 10  # of one message
MAX_FILE_BYTES = number("MAX_FILE_BYTES", 25 * 1024 * 1024, minimum=1)
COMPANY_QUOTA_BYTES = number("COMPANY_QUOTA_BYTES", 5 * 1024**3, maximum=2**60)
# Types by content, with `*` for any.
ATTACHMENT_TYPES = items(
    "ATTACHMENT_TYPES",
    [
        *("image/*", "audio/*", "video/*", "text/*"),
        *("application/pdf", "application/json", "application/xml", "application/rtf"),
        *("application/zip", "application/gzip", "application/epub+zip", "application/msword"),
        *("application/x-yaml", "application/vnd.*"),
    ],
)
# A folder, unless S3_BUCKET names a bucket.
ATTACHMENT_DIR = Path(text("ATTACHMENT_DIR") or DATA_DIR / "attachments").resolve()
S3_BUCKET = text("S3_BUCKET")
# The prefix of an internal location of nginx whose files are those of ATTACHMENT_DIR. nginx reads
# them as a member of the service's group.
ACCEL_REDIRECT = text("ACCEL_REDIRECT")
# clamd, which scans files before they are shown.
CLAMD_URL = url("CLAMD_URL", "", ("tcp", "unix"))

STORAGES = {
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "attachments": {
        "BACKEND": "chatapi.files.disk.DiskStorage",
        "OPTIONS": {
            "location": ATTACHMENT_DIR,
            "file_permissions_mode": 0o640 if ACCEL_REDIRECT else 0o600,
            "directory_permissions_mode": 0o750 if ACCEL_REDIRECT else 0o700,
        },
    },
}
if S3_BUCKET:
    STORAGES["attachments"] = {
        "BACKEND": "chatapi.files.s3.BucketStorage",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "endpoint_url": url("S3_ENDPOINT_URL", "", ("http", "https")) or None,
            "region_name": text("S3_REGION") or None,
            "access_key": text("S3_ACCESS_KEY_ID") or None,
            "secret_key": text("S3_SECRET_ACCESS_KEY") or None,
        },
    }

# --- API --------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.ApiTokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["chatapi.api.encoding.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "chatapi.api.encoding.JSONParser",
        "rest_framework.parsers.FormParser",
        "chatapi.files.uploads.MultiPartParser",
    ],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "chatapi.api.encoding.AlwaysJSON",
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "chatapi.api.schema.generator.ApiSchema",
    "EXCEPTION_HANDLER": "chatapi.api.errors.exception_handler",
    "DATETIME_FORMAT": "%Y-%m-%dT%H:%M:%S.%fZ",
    "NUM_PROXIES": NUM_PROXIES,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

AUTH_CODE_MINUTES = number("AUTH_CODE_MINUTES", 10, minimum=1)
IDEMPOTENCY_HOURS = number("IDEMPOTENCY_HOURS", 24, minimum=1)
KEEP_DELETED_DAYS = number("KEEP_DELETED_DAYS", 30, minimum=0)

# Callers are identified by tokens, not cookies, so any origin may call the API without credentials.
CORS_URLS_REGEX = r"^/(api|chats|files)/"
CORS_ALLOW_ALL_ORIGINS = True
CORS_ALLOW_HEADERS = (
    "accept",
    "authorization",
    "content-type",
    "idempotency-key",
    "last-event-id",
    "x-request-id",
    # Added by libraries for requests, error reports and traces.
    "baggage",
    "cache-control",
    "pragma",
    "sentry-trace",
    "traceparent",
    "tracestate",
    "x-requested-with",
)
CORS_EXPOSE_HEADERS = (
    "idempotent-replayed",
    "retry-after",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-request-id",
)

SPECTACULAR_SETTINGS = {
    "TITLE": "Chat API",
    "VERSION": __version__,
    "OAS_VERSION": "3.1.1",
    "DESCRIPTION": (BASE_DIR / "docs" / "api-introduction.md").read_text(),
    "SCHEMA_PATH_PREFIX": r"/api",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVERS": [{"url": PUBLIC_URL, "description": "This installation"}],
    "TAGS": [
        {"name": "Current user", "description": "Whose token it is."},
        {"name": "Companies", "description": "What owns chats."},
        {"name": "Company users", "description": "The members of a company: its agents."},
        {"name": "Saved replies", "description": "Answers that a company prepares in advance."},
        {"name": "Chats", "description": "Conversations, their password and their log."},
        {"name": "Events", "description": "What happens in all chats of an account."},
        {"name": "Chat users", "description": "Who takes part in a chat: guests and agents."},
        {"name": "Messages", "description": "What is said."},
        {"name": "Notes", "description": "What only members read."},
        {"name": "Attachments", "description": "Files of messages."},
        {"name": "Transcripts", "description": "Logs of chats that anyone can verify."},
    ],
    "COMPONENT_SPLIT_REQUEST": True,
    # Forms are accepted too, but one media type per operation keeps generated clients simple.
    "PARSER_WHITELIST": [
        "chatapi.api.encoding.JSONParser",
        "chatapi.files.uploads.UploadParser",
    ],
    "ENUM_SUFFIX": "",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "CompanyRole": "companies.models.Role",
        "CompanyUserStatus": "companies.models.Membership.Status",
        "ChatStatus": "chats.models.Chat.Status",
        "ChatUserRole": "chats.models.ChatUser.Role",
        "ChatUserStatus": "chats.models.ChatUser.Status",
        "EventType": "chats.models.EventType",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {
        "deepLinking": True,
        "persistAuthorization": True,
        "displayRequestDuration": True,
        "validatorUrl": None,  # request nothing from other hosts
    },
    "PREPROCESSING_HOOKS": ["chatapi.api.schema.generator.only_api"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "chatapi.api.schema.generator.finish",
    ],
}

# --- Website ----------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
# `more` overrides translations of other packages; it has none of our own strings.
LOCALE_PATHS = [BASE_DIR / "locale", BASE_DIR / "locale" / "more"]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)  # whitenoise warns if the folder is missing
WHITENOISE_USE_FINDERS = True  # so that the setup needs no collectstatic

# Companies host their logos anywhere; everything else comes from this origin.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:", "https:"],
        "media-src": ["'self'"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        "worker-src": ["'self'"],
        "frame-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
SECURE_REFERRER_POLICY = "same-origin"

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
SECURE_HSTS_SECONDS = number("HSTS_SECONDS", 31_536_000) if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if NUM_PROXIES else None

# --- Accounts ---------------------------------------------------------------------------------

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# django-allauth provides sign-up, log-in, mail verification, password reset and two-factor.
# There is one backend, so that each log-in hashes one password. With allauth's as a second one, a
# correct password took half the time of a wrong one, even where the responses must look the same.
# allauth's would also try every account that is about to change to the address.
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
SIGNUP_OPEN = flag("SIGNUP_OPEN", True)
ACCOUNT_ADAPTER = "accounts.login.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_FORMS = {
    "login": "accounts.login.forms.LoginForm",
    "signup": "accounts.login.forms.SignupForm",
    "reset_password_from_key": "accounts.login.forms.ResetPasswordKeyForm",
    "change_password": "accounts.login.forms.ChangePasswordForm",
    "set_password": "accounts.login.forms.SetPasswordForm",
}
ACCOUNT_CHANGE_EMAIL = True  # an account has one address; a new one replaces it once confirmed
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_NOTIFICATIONS = True
# `accounts.website.confirm_email` decides in which browsers this applies.
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_REDIRECT_URL = "home"
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # before changing the address or creating a token
ACCOUNT_RATE_LIMITS = False  # `chatapi.website.limits` applies LIMITS instead, which are exact
MFA_ADAPTER = "accounts.login.adapter.MfaAdapter"
MFA_FORMS = {
    "authenticate": "accounts.login.forms.AuthenticateForm",
    "reauthenticate": "accounts.login.forms.ReauthenticateForm",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = PUBLIC_HOST
MFA_TOTP_TOLERANCE = 1  # accept the previous code: clocks differ, and people type slowly

# --- System checks ----------------------------------------------------------------------------

SILENCED_SYSTEM_CHECKS = [
    "security.W002",  # frame-ancestors replaces X-Frame-Options, and can name origins
    "security.W005",  # subdomains may belong to others, so HSTS does not include them
    "security.W008",  # the proxy that terminates TLS redirects; the API must not
    "security.W021",  # preloading is the domain owner's decision
]

# --- Logging ----------------------------------------------------------------------------------

LOG_LEVEL = (text("LOG_LEVEL") or "INFO").upper()
if LOG_LEVEL not in {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}:
    raise ImproperlyConfigured(
        f"LOG_LEVEL must be DEBUG, INFO, WARNING, ERROR or CRITICAL, not {LOG_LEVEL!r}."
    )
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "chatapi.observability.request_id.RequestIdFilter"}},
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"}
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["request_id"],
        },
        "nowhere": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        # Anyone can cause these. Without a handler they would go to stderr with a traceback.
        "django.security.DisallowedHost": {"handlers": ["nowhere"], "propagate": False},
        # 4xx responses are errors of callers and would hide what the operator must see.
        "django.request": {"level": "ERROR"},
        "django.server": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
    },
}
