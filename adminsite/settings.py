"""Django settings, read from the environment by strict readers; half a configuration doesn't start.

COUNTERSIGN_PROCESS says which process this is, and each process asks only for what it needs:
web, worker-changes, worker-checks, worker-refresh, beat, manage (the command line), build (collectstatic in
an image).
"""

from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from kombu import Queue

from adminsite.database import read_database
from adminsite.environment import env_bool, env_choice, env_int, env_list, env_secret, env_text, env_url
from adminsite.mail import read_mail
from adminsite.metronome import PROCESSES, WORKERS, read_metronome

BASE_DIR = Path(__file__).resolve().parent.parent
PROCESS = env_choice("COUNTERSIGN_PROCESS", PROCESSES, "manage")
IS_WEB, IS_WORKER, IS_BUILD = PROCESS == "web", PROCESS in WORKERS, PROCESS == "build"

# --- Metronome, and how patient we are with it (design: a request's life)
METRONOME = read_metronome(PROCESS)
WRITE_DEADLINE_SECONDS = env_int("WRITE_DEADLINE_SECONDS", 30, least=1, most=600)
LEASE_SECONDS = env_int("LEASE_SECONDS", 120, least=2, most=3600)
LEASE_MARGIN_SECONDS = env_int("LEASE_MARGIN_SECONDS", 15, least=1, most=600)
SETTLE_SECONDS = env_int("SETTLE_SECONDS", 180, least=0, most=86_400)
SECOND_LOOK_SECONDS = env_int("SECOND_LOOK_SECONDS", 30, least=0, most=3600)
WORKER_CHANGES_PROCESSES = env_int("WORKER_CHANGES_PROCESSES", 1, least=1, most=32)
if LEASE_SECONDS <= WRITE_DEADLINE_SECONDS + LEASE_MARGIN_SECONDS:
    raise ImproperlyConfigured(
        "LEASE_SECONDS must be longer than WRITE_DEADLINE_SECONDS and LEASE_MARGIN_SECONDS together: "
        "a worker would lose its lease while it still writes."
    )
if METRONOME.environment in ("sandbox", "production") and SETTLE_SECONDS < WRITE_DEADLINE_SECONDS:
    raise ImproperlyConfigured(
        "SETTLE_SECONDS must not be shorter than WRITE_DEADLINE_SECONDS: a write that may still arrive "
        "can't be called missing."
    )

# --- Django itself
DEBUG = env_bool("DEBUG", False)
if DEBUG and METRONOME.environment != "simulator":
    raise ImproperlyConfigured("DEBUG shows secrets in error pages; it is for the simulator only.")
SECRET_KEY = env_secret("SECRET_KEY") if IS_WEB else env_secret("SECRET_KEY", "")
if IS_WEB and len(SECRET_KEY) < 50:
    raise ImproperlyConfigured("SECRET_KEY must be random and at least 50 characters long.")
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS") if IS_WEB else env_list("ALLOWED_HOSTS", "")
SITE_URL = env_url("SITE_URL", ("https", "http")) if IS_WEB else env_url("SITE_URL", ("https", "http"), "")
ROOT_URLCONF = "adminsite.urls"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_htmx",
    "django_filters",
    "csp",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "billing",
]
MIDDLEWARE = [
    "adminsite.middleware.RequestFacts",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "adminsite.middleware.KeptByNobody",
    "adminsite.middleware.WellFormed",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "billing.pages.by_token.ByToken",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "billing.pages.door.limits.SessionLimits",
    "billing.pages.access.SignInRequired",
    "billing.pages.door.limits.FactorDemanded",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "billing.pages.refused.RefusedInWords",
]
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
                "billing.pages.context.frame",
            ],
            "libraries": {name: f"billing.pages.templatetags.{name}" for name in ("countersign", "faces")},
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

# --- The web process: how many pages at once, and how long a slow client may take (see adminsite/serving.py)
WEB_THREADS = env_int("WEB_THREADS", 8, least=1, most=100)
BODY_SECONDS = env_int("BODY_SECONDS", 30, least=1, most=600)
ANSWER_SECONDS = env_int("ANSWER_SECONDS", 600, least=1, most=3600)

# --- PostgreSQL: long-lived processes keep a pool, commands open what they use
DATABASE_POOL_SIZE = env_int("DATABASE_POOL_SIZE", 14, least=1, most=200)
DATABASES = {}
if PROCESS not in ("beat", "build"):
    DATABASES["default"] = read_database(PROCESS, pool_size=DATABASE_POOL_SIZE if IS_WEB or IS_WORKER else 0)

# --- Redis: broker, cache and request budget. A page never waits for it longer than a blink.
REDIS_URL = "" if IS_BUILD else env_url("REDIS_URL", ("redis", "rediss"), secret=True)
CACHES = {
    "default": {
        "BACKEND": "adminsite.cache.SteadyRedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "countersign",
        "OPTIONS": {
            "socket_timeout": 0.3,
            "socket_connect_timeout": 0.3,
            "serializer": "adminsite.cache.JsonSerializer",  # what lies in Redis is never code
        },
    }
}

# --- Celery: times live in rows and the sweep is the only retry
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"socket_timeout": 10, "socket_connect_timeout": 5, "socket_keepalive": True}
    if IS_WORKER
    else {"socket_timeout": 0.3, "socket_connect_timeout": 0.3, "max_retries": 0}
)
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_CREATE_MISSING_QUEUES = False
CELERY_TASK_QUEUES = [Queue(name) for name in ("changes", "sweeps", "checks", "doubts", "refresh", "notices")]
CELERY_TASK_DEFAULT_QUEUE = "changes"
CELERY_TASK_ROUTES = {
    "billing.tasks.sweep_changes": {"queue": "sweeps"},
    "billing.tasks.refresh_*": {"queue": "refresh"},
    "billing.tasks.check_change": {"queue": "checks"},
    "billing.tasks.answer_survey": {"queue": "checks"},
    "billing.tasks.look_into_doubts": {"queue": "doubts"},
    "billing.tasks.tell_people": {"queue": "notices"},
}
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULER = "adminsite.celery:Scheduler"
# An unheard call for a sweep is worthless once the next one is due: it expires instead of piling up.
CELERY_BEAT_SCHEDULE = {
    "sweep changes": {
        "task": "billing.tasks.sweep_changes",
        "schedule": 15.0,
        "options": {"queue": "sweeps", "expires": 15.0},
    },
    "look into doubts": {
        "task": "billing.tasks.look_into_doubts",
        "schedule": 15.0,
        "options": {"queue": "doubts", "expires": 15.0},
    },
    "show that refreshes have a free thread": {
        "task": "billing.tasks.show_life",
        "schedule": 15.0,
        "options": {"queue": "refresh", "expires": 15.0},
    },
    "tell people": {
        "task": "billing.tasks.tell_people",
        "schedule": 30.0,
        "options": {"queue": "notices", "expires": 30.0},
    },
    "read customers’ own lists": {
        "task": "billing.tasks.refresh_lists",
        "schedule": 60.0,
        "options": {"queue": "refresh", "expires": 60.0},
    },
    "refresh the mirror": {
        "task": "billing.tasks.refresh_mirror",
        "schedule": 600.0,
        "options": {"queue": "refresh", "expires": 600.0},
    },
}

# --- People: accounts are made by administrators, sign-in is by username
AUTH_USER_MODEL = "billing.User"
AUTHENTICATION_BACKENDS = ["billing.pages.door.adapter.Credentials"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "billing.people.passwords.ManyCharacters"},
    {"NAME": "billing.people.passwords.NotTooLong"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "billing.pages.door.adapter.Door"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
# Failed tries count by address, and by address and name together: nobody is locked out from elsewhere.
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/5m/key", "reset_password": "10/m/ip,3/5m/key"}
ACCOUNT_FORMS = {
    "reset_password": "billing.pages.door.forms.AskForLink",
    "reset_password_from_key": "billing.pages.door.forms.NewPassword",
    "user_token": "billing.pages.door.forms.Link",
}
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = False
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = env_int("SESSION_HOURS", 12, least=1, most=720) * 3600
SESSION_IDLE_SECONDS = env_int("SESSION_IDLE_MINUTES", 60, least=5, most=1440) * 60
# Second factors: demanded of managers and administrators wherever something real is behind this.
SECOND_FACTOR_DEMANDED = env_bool("SECOND_FACTOR_DEMANDED", METRONOME.environment != "simulator")
MFA_ADAPTER = "billing.pages.door.adapter.Factors"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_FORMS = {
    "add_webauthn": "billing.pages.door.forms.AddPasskey",
    "edit_webauthn": "billing.pages.door.forms.RenamePasskey",
}
MFA_TOTP_ISSUER = "Countersign"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = METRONOME.environment == "simulator"  # http://localhost, for the demo
ACCOUNT_REAUTHENTICATION_TIMEOUT = env_int("STEP_UP_MINUTES", 5, least=1, most=60) * 60
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# --- Mail: notices of what waits for somebody, plain text, through the company's server
MAIL = read_mail(PROCESS)
MAIL_FROM = MAIL.sender
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if MAIL.host else 'dummy'}.EmailBackend"
EMAIL_HOST, EMAIL_PORT = MAIL.host, MAIL.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = MAIL.user, MAIL.password
EMAIL_USE_SSL, EMAIL_USE_TLS = MAIL.security == "tls", MAIL.security == "starttls"
EMAIL_TIMEOUT = 10

# --- What a browser may do
IS_HTTPS = urlsplit(SITE_URL).scheme == "https"
TRUSTED_PROXIES = env_int("TRUSTED_PROXIES", 0, least=0, most=10)
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CSRF_TRUSTED_ORIGINS = [SITE_URL] if SITE_URL else []
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE = IS_HTTPS
CSRF_COOKIE_HTTPONLY = SESSION_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "billing.pages.errors.csrf_failure"
CSRF_COOKIE_SAMESITE = SESSION_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 365 * 86_400 if IS_HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# The longest form: 2,000 aliases of 128 characters that take four bytes each, percent-encoded to twelve.
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 2**20
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# --- Static files: the web process serves collected, hashed ones; elsewhere they are found where they lie
STATIC_URL = "/static/"
STATIC_ROOT = Path(env_text("STATIC_ROOT", str(BASE_DIR / "var" / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
COLLECTED = (IS_WEB or IS_BUILD) and not DEBUG
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = not COLLECTED
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if COLLECTED
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

# --- Logs go to stderr, a line each
LOG_LEVEL = env_choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), "INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        }
    },
    "filters": {"refusals": {"()": "adminsite.logs.RefusalsInALine"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["refusals"]}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": [], "level": LOG_LEVEL, "propagate": True},
        "httpx": {"level": "WARNING"},
    },
}
