"""Django's settings. Everything that differs between installations comes from the environment (see config.py)."""

from __future__ import annotations

import os
from pathlib import Path

from xueji import config

BASE_DIR = Path(__file__).resolve().parent
DATA_DIR = config.data_dir()

DEBUG = config.env_bool("XUEJI_DEBUG", False)
SECRET_KEY = config.secret("secret_key", length=48)
ALLOWED_HOSTS = [h for h in os.environ.get("XUEJI_HOSTS", "127.0.0.1,localhost,[::1]").split(",") if h]
CSRF_TRUSTED_ORIGINS = [o for o in os.environ.get("XUEJI_ORIGINS", "").split(",") if o]
#: How many proxies of the installation stand before it: that many hops of X-Forwarded-For are believed.
TRUSTED_PROXIES = config.env_int("XUEJI_PROXIES", 0, high=5)
HTTPS = config.env_bool("XUEJI_HTTPS", False)
if HTTPS and TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
#: Where the outside reaches this installation: printed into the QR code of every certificate.
PUBLIC_URL = os.environ.get("XUEJI_PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
#: The certificate that signs papers (PKCS#12; one is made where none is named), and a time-stamping service, if any.
PAPER_P12 = os.environ.get("XUEJI_PAPER_P12", "")
PAPER_P12_PASSPHRASE = os.environ.get("XUEJI_PAPER_P12_PASSPHRASE", "")
PAPER_TSA = os.environ.get("XUEJI_PAPER_TSA", "")
DEMO = config.env_bool("XUEJI_DEMO", (DATA_DIR / "demo").exists())
#: Which population register answers (a name of registry/population/register.py): off, or the made-up one for training.
POPULATION = os.environ.get("XUEJI_POPULATION", "simulator" if DEMO else "off")

INSTALLED_APPS = [
    "xueji.ground.duty",  # its functions are asked at the door, so they come first
    "xueji.ground.accounts",
    "xueji.ground.orgs",
    "xueji.ground.policy",
    "xueji.ground.audit",
    "xueji.ground.files",
    "xueji.ground.jobs",
    "xueji.ground.notice",
    "xueji.ground.limits",
    "xueji.ground.posts",
    "xueji.registry.people",
    "xueji.registry.enrolment",
    "xueji.registry.problems",
    "xueji.registry.duplicates",
    "xueji.registry.population",
    "xueji.registry.exams",
    "xueji.registry.dropout",
    "xueji.registry.family",
    "xueji.registry.photos",
    "xueji.registry.termbook",
    "xueji.registry.intake",
    "xueji.registry.changes",
    "xueji.registry.takeover",
    "xueji.registry.creation",
    "xueji.registry.relay",
    "xueji.registry.charge",
    "xueji.registry.placement",
    "xueji.registry.yearly",
    "xueji.registry.admission",
    "xueji.registry.collect",
    "xueji.registry.submission",
    "xueji.registry.offline",
    "xueji.office.certificates",
    "xueji.office.cards",
    "xueji.office.exports",
    "xueji.office.statistics",
    "xueji.office.privacy",
    "xueji.web.layout",
    "xueji.web.home",
    "xueji.web.portal",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "django_htmx",
    "django_cotton",
    "procrastinate.contrib.django",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "xueji.web.layout.headers.HeadersMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "xueji.ground.paper.middleware.SignPapersMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "xueji.ground.limits.middleware.RateMiddleware",
    "xueji.ground.accounts.middleware.ActorMiddleware",
    "xueji.ground.accounts.search.SearchMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "xueji.urls"
WSGI_APPLICATION = "xueji.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
                "xueji.web.home.context.shell",
            ],
        },
    }
]

DATABASES = {
    "default": config.app_dsn().django()
    | {
        "CONN_MAX_AGE": 0,
        "TEST": {"NAME": "test_xueji"},
    }
}
POOL = config.env_int("XUEJI_POOL", 8, low=0, high=200)
if POOL:
    DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": 1, "max_size": POOL}  # type: ignore[index]

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["xueji.ground.accounts.backend.Backend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "xueji.ground.accounts.passwords.UnlikeNameValidator"},
    {"NAME": "xueji.ground.accounts.passwords.LengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "xueji.ground.accounts.passwords.UncommonValidator"},
    {"NAME": "xueji.ground.accounts.passwords.ThreeKindsValidator"},
]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

SESSION_IDLE_SECONDS = config.env_int("XUEJI_SESSION_IDLE", 1800, low=60)
SESSION_COOKIE_AGE = 12 * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
# With the prefix a browser takes the cookie from this very host alone, over TLS, for all of it: no neighbour plants one.
SESSION_COOKIE_NAME = "__Host-xueji" if HTTPS else "xueji"
CSRF_COOKIE_NAME = "__Host-xueji-form" if HTTPS else "xueji-form"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = config.env_int("XUEJI_HSTS_SECONDS", 31536000) if HTTPS else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
#: How many former passwords are not taken again, and after how many days one must be changed (0: never).
PASSWORD_HISTORY = config.env_int("XUEJI_PASSWORD_HISTORY", 5, high=24)
PASSWORD_DAYS = config.env_int("XUEJI_PASSWORD_DAYS", 0, high=3650)
#: Accounts that nobody signs in to: days until the manager is warned, and until the account is disabled (0: never).
UNUSED_WARN_DAYS = config.env_int("XUEJI_UNUSED_WARN_DAYS", 60, low=1, high=3650)
UNUSED_DAYS = config.env_int("XUEJI_UNUSED_DAYS", 90, high=3650)
UNUSED_PORTAL_DAYS = config.env_int("XUEJI_UNUSED_PORTAL_DAYS", 400, high=3650)
MAX_SESSIONS_PER_USER = config.env_int("XUEJI_MAX_SESSIONS", 3, low=1)

#: For how many hours a child beyond one's scope is opened in an emergency.
EMERGENCY_HOURS = config.env_int("XUEJI_EMERGENCY_HOURS", 2, low=1, high=24)

# Cases: what holds where no text says anything. Days are working days, except the last two.
CASE_STEP_DAYS = config.env_int("XUEJI_CASE_STEP_DAYS", 10, low=1, high=90)
CASE_ESCALATE_DAYS = config.env_int("XUEJI_CASE_ESCALATE_DAYS", 3, low=1, high=90)
CASE_OUTAGE_DAYS = config.env_int("XUEJI_CASE_OUTAGE_DAYS", 90, low=1, high=366)
CASE_SIGHT_DAYS = config.env_int("XUEJI_CASE_SIGHT_DAYS", 365, low=1, high=36500)

# Single sign-on: OpenID Connect and CAS. A provider is offered once it is named here.
OIDC_ISSUER = config.env_url("XUEJI_OIDC_ISSUER")
OIDC_CLIENT_ID = os.environ.get("XUEJI_OIDC_CLIENT_ID", "")
OIDC_CLIENT_SECRET = os.environ.get("XUEJI_OIDC_CLIENT_SECRET", "")
OIDC_SCOPES = os.environ.get("XUEJI_OIDC_SCOPES") or "openid email"
OIDC_LABEL = os.environ.get("XUEJI_OIDC_LABEL", "")
#: Whether a second factor that the provider has checked (claim `amr`) counts here.
OIDC_MFA = config.env_bool("XUEJI_OIDC_MFA", False)
CAS_URL = config.env_url("XUEJI_CAS_URL")
CAS_LABEL = os.environ.get("XUEJI_CAS_LABEL", "")

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "object-src": ["'none'"],
        "frame-src": ["'none'"],
        "worker-src": ["'none'"],
        "media-src": ["'none'"],
        "manifest-src": ["'self'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Asia/Shanghai"
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": DATA_DIR / "files"},
    },
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
FILES_DIR = DATA_DIR / "files"
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
UPLOAD_LIMIT = 200 * 1024 * 1024
FORM_RENDERER = "xueji.web.layout.forms.Renderer"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    # The formatter takes out numbers, phones, passwords, tokens and keys, whoever put them into a message or an error.
    "formatters": {
        "plain": {
            "()": "xueji.ground.redaction.Formatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "xueji": {"level": "INFO"},
        "django.request": {"level": "ERROR"},
        "pyhanko": {"level": "ERROR"},  # a foreign certificate is a verdict, told in words, and no fault
        "pyhanko_certvalidator": {"level": "ERROR"},
    },
}
