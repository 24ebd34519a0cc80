"""Django settings. Everything that differs between installations comes from the environment."""

import os
import secrets

from jinzhi.runtime import locations

BASE_DIR = locations.ROOT
VAR_DIR = locations.VAR
DEBUG = os.environ.get("JINZHI_DEBUG") == "1"
DEMO = os.environ.get("JINZHI_DEMO", "0") == "1"
PROVINCE = os.environ.get("JINZHI_PROVINCE", "zhejiang")
PROVINCE_DIR = BASE_DIR / "provinces" / PROVINCE
PUBLIC_URL = (  # printed in QR codes
    os.environ.get("JINZHI_PUBLIC_URL") or f"http://{locations.HOST}:{locations.PORT}"
)
NODE = os.environ.get("JINZHI_NODE", "330000")


def _secret_key() -> str:
    """The key from the environment, else one made once for this installation and kept in var/."""
    if key := os.environ.get("JINZHI_SECRET_KEY"):
        return key
    path = VAR_DIR / "secret_key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(50))
    return path.read_text()


SECRET_KEY = _secret_key()
ALLOWED_HOSTS = os.environ.get("JINZHI_ALLOWED_HOSTS", "127.0.0.1,localhost,[::1],testserver").split(",")
CSRF_TRUSTED_ORIGINS = [o for o in os.environ.get("JINZHI_TRUSTED_ORIGINS", "").split(",") if o]


def _rooms(parent: str) -> list[str]:
    """Domain folders that hold an apps.py: adding a domain adds a folder and edits nothing here."""
    folder = BASE_DIR / "jinzhi" / parent
    if not folder.is_dir():
        return []
    return [f"jinzhi.{parent}.{p.parent.name}" for p in sorted(folder.glob("*/apps.py"))]


INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "django_tables2",
    "django_filters",
    "crispy_forms",
    "crispy_bootstrap5",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "axes",
    "csp",
    "ninja",
    "procrastinate.contrib.django",
    *_rooms("foundation"),
    "jinzhi.registry",
    "jinzhi.registry.laws",
    "jinzhi.registry.standards",
    "jinzhi.registry.licences",
    "jinzhi.registry.matching",
    "jinzhi.web",
    "jinzhi.casework",
    "jinzhi.casework.esupervision",
    "jinzhi.network",
    "jinzhi.network.catalogue",
    "jinzhi.network.partners",
    "jinzhi.network.operations",
    *_rooms("services"),
    *_rooms("supervision"),
    "jinzhi.demo",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "jinzhi.web.middleware.ConditionalApi",
    "jinzhi.foundation.files.middleware.RequestSize",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "jinzhi.foundation.people.middleware.PostMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "jinzhi.web.middleware.NoNull",
    "jinzhi.web.middleware.ForeignRecord",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "jinzhi.urls"
WSGI_APPLICATION = "jinzhi.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "jinzhi" / "web" / "templates"],  # before allauth's own pages
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "jinzhi.web.context.shell",
            ],
        },
    }
]

DATABASES = {"default": locations.database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "zh-hans"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Shanghai"  # the law's time; the database keeps UTC

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
NODE_MODULES = BASE_DIR / "node_modules"
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "jinzhi.web.static.PackageFinder",  # files of npm packages that an app names in `package_files`
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "jinzhi.web.static.ManifestStorage"
    },
}
MEDIA_ROOT = locations.FILES
KEYS = (
    os.environ.get("JINZHI_KEYS") or VAR_DIR / "keys"
)  # what signs licences and documents: readable by nobody else
FILE_UPLOAD_TEMP_DIR = None
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000

AUTH_USER_MODEL = "people.Account"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "jinzhi.foundation.people.passwords.LongEnough", "OPTIONS": {"min_length": 10}},
    {"NAME": "jinzhi.foundation.people.passwords.NotCommon"},
    {"NAME": "jinzhi.foundation.people.passwords.NotOnlyDigits"},
    {"NAME": "jinzhi.foundation.people.passwords.NotPersonal"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/home/"
LOGOUT_REDIRECT_URL = "/"
SESSION_COOKIE_AGE = 8 * 3600
SESSION_IDLE_SECONDS = 60 * int(os.environ.get("JINZHI_IDLE_MINUTES", "30"))
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
# Installations on ports of one host share the browser's cookies: each needs names of its own (`make province PORTS=1`).
SESSION_COOKIE_NAME = f"{os.environ.get('JINZHI_COOKIES', '')}sessionid"
CSRF_COOKIE_NAME = f"{os.environ.get('JINZHI_COOKIES', '')}csrftoken"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = os.environ.get("JINZHI_HTTPS") == "1"
CSRF_FAILURE_VIEW = "jinzhi.web.errors.csrf_failure"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "SAMEORIGIN"  # attachments are previewed in place

ACCOUNT_ADAPTER = "jinzhi.foundation.people.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_RATE_LIMITS = {"login_failed": "10/300s/key"}  # guards the second factor; axes locks passwords first
MFA_ADAPTER = "jinzhi.foundation.people.adapter.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "金质 Jinzhi"

AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_USERNAME_CALLABLE = "jinzhi.foundation.people.signin.username_of"
AXES_LOCKOUT_TEMPLATE = "account/locked.html"
# How many reverse proxies stand before the server; 0: the address of the connection is the client's.
AXES_IPWARE_PROXY_COUNT = NINJA_NUM_PROXIES = int(os.environ.get("JINZHI_PROXIES", "0"))
API_RATE = os.environ.get("JINZHI_API_RATE", "600/m")  # requests per client address and web worker

CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"
DJANGO_TABLES2_TEMPLATE = "web/table.html"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],
        "style-src": ["'self'"],
        "script-src": ["'self'"],
        "object-src": ["'self'"],
        "frame-ancestors": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
    }
}

LOG_FORMAT = "json" if os.environ.get("JINZHI_LOG_FORMAT") == "json" else "line"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"},
        "json": {"()": "jinzhi.runtime.logs.JsonLine"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "loggers": {"django.request": {"level": "ERROR"}},  # a 403 or 404 is an answer, not a fault
    "root": {"handlers": ["console"], "level": os.environ.get("JINZHI_LOG_LEVEL", "WARNING")},
}
