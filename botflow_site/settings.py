"""All configuration, read from the environment once; a wrong value stops the start."""

import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from botflow_site.admin_theme import UNFOLD as UNFOLD
from botflow_site.env import Environment
from botflow_site.logs import logging_config

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment(BASE_DIR / ".env")

# Where the embedded default keeps its database, secret key and sockets.
# A relative path starts at the checkout, wherever a process is started.
BOTFLOW_DATA_DIR = BASE_DIR / env.text("BOTFLOW_DATA_DIR", "data")


def kept_secret(path: Path) -> str:
    """Return the secret in `path`, making it once; the first of two processes to create it wins."""
    if not path.exists():
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(64), encoding="utf-8")
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text(encoding="utf-8").strip()


DEBUG = env.flag("DEBUG")
try:
    BOTFLOW_DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    SECRET_KEY = env.text("SECRET_KEY") or kept_secret(BOTFLOW_DATA_DIR / "secret_key")
except OSError as error:
    raise ImproperlyConfigured(
        f"BOTFLOW_DATA_DIR: cannot write to {BOTFLOW_DATA_DIR}: {error.strerror}."
    ) from None
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")

# -- what BotFlow is -------------------------------------------------------------------------------

BOTFLOW_HOST = env.text("BOTFLOW_HOST", "127.0.0.1")
BOTFLOW_PORT = env.number("BOTFLOW_PORT", 8000, least=1, most=65535)
# Worker processes of one `qcluster`; each runs BOTFLOW_CONCURRENCY runs at once.
BOTFLOW_WORKERS = env.number("BOTFLOW_WORKERS", 1, least=1, most=64)
BOTFLOW_CONCURRENCY = env.number("BOTFLOW_CONCURRENCY", 100, least=1, most=5000)
# Plain functions run in threads: how many of them at once in one worker.
BOTFLOW_THREADS = env.number("BOTFLOW_THREADS", 32, least=1, most=200)
# Seconds after SIGTERM in which a worker may finish what it runs; the rest goes back to the queue.
BOTFLOW_STOP_GRACE = env.number("BOTFLOW_STOP_GRACE", 4.0, least=0, most=3600)
# Seconds for which a silent worker still owns its runs; it renews them four times as often.
BOTFLOW_LEASE = env.number("BOTFLOW_LEASE", 20.0, least=2, most=600)
# Seconds one run may take unless it was submitted with a timeout of its own.
BOTFLOW_RUN_TIMEOUT = env.number("BOTFLOW_RUN_TIMEOUT", 300.0, least=0.1, most=86400)
# Days for which finished runs are kept; 0 keeps them for ever.
BOTFLOW_RETENTION_DAYS = env.number("BOTFLOW_RETENTION_DAYS", 30, least=0, most=36500)

# Finished runs that are kept of each schedule, the newest; 0 keeps them all.
BOTFLOW_SCHEDULE_HISTORY = env.number("BOTFLOW_SCHEDULE_HISTORY", 1000, least=0, most=1_000_000)

# Missed occurrences of a schedule that get a row each; those before them share one.
BOTFLOW_MISSED_ROWS = env.number("BOTFLOW_MISSED_ROWS", 500, least=1, most=100_000)
# Occurrences of one schedule that may wait for an earlier one; further ones are skipped.
BOTFLOW_MAX_WAITING_OCCURRENCES = env.number(
    "BOTFLOW_MAX_WAITING_OCCURRENCES", 100, least=1, most=100_000
)

BOTFLOW_AGENT = env.text("BOTFLOW_AGENT", "echo")
WECHAT_TOKEN = env.text("WECHAT_TOKEN")
BOTFLOW_CHANNELS = {
    "web": "conversations.channels.web.WebChannel",
    **({"wechat": "wechat.channel.WeChatChannel"} if WECHAT_TOKEN else {}),
    **env.mapping("BOTFLOW_CHANNELS"),
}
BOTFLOW_CHAT_ACCESS = env.choice("BOTFLOW_CHAT_ACCESS", "anonymous", ("anonymous", "login"))
# Web conversations that one person may have; a further one is refused with a sentence.
BOTFLOW_MAX_CONVERSATIONS = env.number("BOTFLOW_MAX_CONVERSATIONS", 1000, least=1, most=1_000_000)
# What a worker does once before its first run, so that the first message need not wait for it.
BOTFLOW_WORKER_START = ["conversations.answering.warm_up"]
# What an agent is shown as history: so many messages, and no more than about so many tokens.
BOTFLOW_HISTORY_MESSAGES = env.number("BOTFLOW_HISTORY_MESSAGES", 40, least=0, most=1000)
BOTFLOW_HISTORY_TOKENS = env.number("BOTFLOW_HISTORY_TOKENS", 8000, least=0, most=10_000_000)
# What sums up what falls out of that window: `openai_compatible` or a dotted path; empty: nothing.
BOTFLOW_SUMMARIZER = env.text("BOTFLOW_SUMMARIZER")
# Seconds of silence after a message before it is answered: what follows in them joins its turn.
BOTFLOW_MERGE_PAUSE = env.number("BOTFLOW_MERGE_PAUSE", 0.0, least=0, most=30)
# Tools that an agent may use: `reminders`, `time`, `all` of these, dotted paths of functions.
BOTFLOW_TOOLS = env.words("BOTFLOW_TOOLS")
# Times that a model may ask for tools in one turn, and the seconds that one call of a tool takes.
BOTFLOW_TOOL_ROUNDS = env.number("BOTFLOW_TOOL_ROUNDS", 8, least=1, most=100)
BOTFLOW_TOOL_TIMEOUT = env.number("BOTFLOW_TOOL_TIMEOUT", 30.0, least=0.1, most=3600)
# Characters (code points) of one message.
BOTFLOW_MAX_MESSAGE_LENGTH = env.number(
    "BOTFLOW_MAX_MESSAGE_LENGTH", 20_000, least=1, most=1_000_000
)
# Characters of one reply; a longer one is stopped there and says so.
BOTFLOW_MAX_REPLY_LENGTH = env.number("BOTFLOW_MAX_REPLY_LENGTH", 200_000, least=1, most=10_000_000)
# Bytes of one WebSocket frame from a client; a larger one closes the socket with 1009.
BOTFLOW_MAX_FRAME_BYTES = env.number(
    "BOTFLOW_MAX_FRAME_BYTES", 262_144, least=1024, most=16_777_216
)
# Frames per second one socket may send on average, and how many at once.
BOTFLOW_FRAME_RATE = env.number("BOTFLOW_FRAME_RATE", 200, least=1, most=100_000)
BOTFLOW_FRAME_BURST = env.number("BOTFLOW_FRAME_BURST", 400, least=1, most=1_000_000)
# Messages of one socket that may wait for their answer; a further one is refused as rate_limited.
BOTFLOW_MAX_WAITING = env.number("BOTFLOW_MAX_WAITING", 100, least=1, most=100_000)
# Tasks (reminders) of one conversation that are not over; a further one is refused with a sentence.
BOTFLOW_MAX_TASKS = env.number("BOTFLOW_MAX_TASKS", 50, least=0, most=10_000)
# Seconds between two occurrences of a task that is set up in chat.
BOTFLOW_MIN_TASK_INTERVAL = env.number("BOTFLOW_MIN_TASK_INTERVAL", 60, least=1, most=86_400)
# Bytes that wait for a client that does not read; beyond them its socket is dropped.
BOTFLOW_MAX_UNSENT_BYTES = env.number(
    "BOTFLOW_MAX_UNSENT_BYTES", 1_048_576, least=65_536, most=1_073_741_824
)

# -- the chat page: whose it is, where it may stand, what may be sent with a message ---------------

# What the bot is called, and the file of its logo (svg, png, webp or jpg).
BOTFLOW_NAME = env.text("BOTFLOW_NAME", "BotFlow")
BOTFLOW_LOGO = env.image("BOTFLOW_LOGO", relative_to=BASE_DIR)
# The color of buttons and links, as #rrggbb; the page takes shades of it that can be read.
BOTFLOW_COLOR = env.color("BOTFLOW_COLOR")
# What stands on the first screen; empty for the built-in sentence. Suggestions are parted by `|`.
BOTFLOW_WELCOME = env.text("BOTFLOW_WELCOME")
BOTFLOW_SUGGESTIONS = [
    part.strip() for part in env.text("BOTFLOW_SUGGESTIONS").split("|") if part.strip()
]
# Sites that may show the chat as a bubble, by one script tag with /embed.js.
BOTFLOW_EMBED_ORIGINS = env.origins("BOTFLOW_EMBED_ORIGINS")
# Whether people may send images and files, and which: media types, `image/*` for a whole kind.
BOTFLOW_UPLOADS = env.flag("BOTFLOW_UPLOADS", default=True)
BOTFLOW_UPLOAD_TYPES = env.media_types(
    "BOTFLOW_UPLOAD_TYPES",
    "image/png,image/jpeg,image/gif,image/webp,application/pdf,application/json,text/*,"
    "application/zip,application/vnd.openxmlformats-officedocument.*",
)
# Bytes of one file, files of one message, and bytes within a day: of one person, and of all.
BOTFLOW_MAX_UPLOAD_BYTES = env.number(
    "BOTFLOW_MAX_UPLOAD_BYTES", 10_485_760, least=1024, most=104_857_600
)
BOTFLOW_MAX_FILES = env.number("BOTFLOW_MAX_FILES", 8, least=1, most=50)
BOTFLOW_UPLOAD_BYTES_PER_DAY = env.number(
    "BOTFLOW_UPLOAD_BYTES_PER_DAY", 104_857_600, least=1024, most=10**12
)
BOTFLOW_SITE_UPLOAD_BYTES_PER_DAY = env.number(
    "BOTFLOW_SITE_UPLOAD_BYTES_PER_DAY", 1_073_741_824, least=1024, most=10**13
)
# Whether people may make links by which others read a conversation of theirs without signing in.
BOTFLOW_SHARING = env.flag("BOTFLOW_SHARING", default=True)
# Whether the page offers to listen and to read aloud, as far as the browser can; some browsers
# send what is spoken to their makers.
BOTFLOW_VOICE = env.flag("BOTFLOW_VOICE")

# -- the model of the agent `openai_compatible` ----------------------------------------------------

OPENAI_BASE_URL = env.text("OPENAI_BASE_URL", "https://api.openai.com/v1").rstrip("/")
OPENAI_API_KEY = env.text("OPENAI_API_KEY")
BOTFLOW_MODEL = env.text("BOTFLOW_MODEL")
# What the model is told before anything else; empty for the built-in sentences.
BOTFLOW_SYSTEM_PROMPT = env.text("BOTFLOW_SYSTEM_PROMPT")
# Further fields of each request, as a JSON object: {"temperature": 0.3, "max_tokens": 800}.
BOTFLOW_MODEL_OPTIONS = env.json_object("BOTFLOW_MODEL_OPTIONS")
# None leaves it to the server.
BOTFLOW_TEMPERATURE = env.optional_number("BOTFLOW_TEMPERATURE", least=0, most=2)
# Seconds to reach the server, until it sends the first byte of an answer, and between two of them.
BOTFLOW_MODEL_CONNECT_TIMEOUT = env.number(
    "BOTFLOW_MODEL_CONNECT_TIMEOUT", 10.0, least=0.1, most=3600
)
BOTFLOW_MODEL_FIRST_TIMEOUT = env.number("BOTFLOW_MODEL_FIRST_TIMEOUT", 60.0, least=0.1, most=3600)
BOTFLOW_MODEL_STALL_TIMEOUT = env.number("BOTFLOW_MODEL_STALL_TIMEOUT", 30.0, least=0.1, most=3600)

# -- budgets: 0 sets no limit ----------------------------------------------------------------------

# Tokens in and out within a day of TIME_ZONE, of one conversation and of all together.
BOTFLOW_CONVERSATION_TOKENS_PER_DAY = env.number(
    "BOTFLOW_CONVERSATION_TOKENS_PER_DAY", 200_000, least=0, most=10**12
)
BOTFLOW_SITE_TOKENS_PER_DAY = env.number(
    "BOTFLOW_SITE_TOKENS_PER_DAY", 2_000_000, least=0, most=10**12
)
# Messages that an agent answers of those that arrived within a minute.
BOTFLOW_CONVERSATION_TURNS_PER_MINUTE = env.number(
    "BOTFLOW_CONVERSATION_TURNS_PER_MINUTE", 0, least=0, most=1_000_000
)
BOTFLOW_SITE_TURNS_PER_MINUTE = env.number(
    "BOTFLOW_SITE_TURNS_PER_MINUTE", 0, least=0, most=1_000_000
)

# -- WeChat: the endpoint exists if WECHAT_TOKEN is set --------------------------------------------

WECHAT_APP_ID = env.text("WECHAT_APP_ID")
# Without it nothing can be sent unasked: everything goes out as replies.
WECHAT_APP_SECRET = env.text("WECHAT_APP_SECRET")
WECHAT_AES_KEY = env.text("WECHAT_AES_KEY")
# The key before the last change: messages encrypted with it are still read.
WECHAT_AES_KEY_PREVIOUS = env.text("WECHAT_AES_KEY_PREVIOUS")
WECHAT_MODE = env.choice(
    "WECHAT_MODE", "secure" if WECHAT_AES_KEY else "plain", ("plain", "compatible", "secure")
)
WECHAT_REPLY = env.choice("WECHAT_REPLY", "auto", ("passive", "customer_service", "auto"))
WECHAT_PATH = env.text("WECHAT_PATH", "/wechat")
WECHAT_API_BASE_URL = env.text("WECHAT_API_BASE_URL", "https://api.weixin.qq.com").rstrip("/")
# The account's own id (gh_…): messages to another one are refused. Empty accepts any.
WECHAT_ORIGINAL_ID = env.text("WECHAT_ORIGINAL_ID")
# How old or new a request's timestamp may be, in seconds; 0 accepts any.
WECHAT_FRESHNESS = env.number("WECHAT_FRESHNESS", 300, least=0, most=86_400)
# Seconds for which a request waits for the answer; WeChat itself hangs up after 5.
WECHAT_REPLY_DEADLINE = env.number("WECHAT_REPLY_DEADLINE", 4.3, least=0.1, most=4.8)
# Bytes of one text message: WeChat takes 2047 at most.
WECHAT_MAX_TEXT_BYTES = env.number("WECHAT_MAX_TEXT_BYTES", 2000, least=200, most=2047)
# Messages into which one answer is split; the rest waits for the follower's 「继续」.
WECHAT_MAX_PARTS = env.number("WECHAT_MAX_PARTS", 4, least=1, most=5)
# Messages of one follower that are answered in a minute; those beyond get a sentence.
WECHAT_RATE = env.number("WECHAT_RATE", 20, least=1, most=10_000)
# Messages that are kept for one follower until they write, and for how many days.
WECHAT_MAX_HELD = env.number("WECHAT_MAX_HELD", 20, least=1, most=1000)
WECHAT_HELD_DAYS = env.number("WECHAT_HELD_DAYS", 7, least=1, most=365)
# What a new follower is told; empty for the built-in sentence.
WECHAT_WELCOME = env.text("WECHAT_WELCOME")
WECHAT_LOCALE = env.choice("WECHAT_LOCALE", "zh-hans", ("zh-hans", "en"))
# The zone of followers, in which their reminders are meant.
WECHAT_TIME_ZONE = env.time_zone("WECHAT_TIME_ZONE", "Asia/Shanghai")
# Whether followers see that an answer is being written, where WeChat allows it.
WECHAT_TYPING = env.flag("WECHAT_TYPING", default=True)
# A template message for what WeChat no longer lets through, and what goes into its fields.
WECHAT_TEMPLATE_ID = env.text("WECHAT_TEMPLATE_ID")
WECHAT_TEMPLATE_FIELDS = env.mapping("WECHAT_TEMPLATE_FIELDS")
# Bytes of one image, in or out.
WECHAT_MAX_IMAGE_BYTES = env.number(
    "WECHAT_MAX_IMAGE_BYTES", 2_097_152, least=1024, most=10_485_760
)

# -- Django ----------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "daphne",
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "scheduling",  # before django_q, whose qcluster command it replaces
    "django_q",
    "conversations",
    "wechat",
    "botflow_site",
    # Apps of the site's own, with their actions, agents and channels.
    *env.apps("BOTFLOW_APPS"),
]

MIDDLEWARE = [
    "botflow_site.middleware.ContentSecurityPolicy",
    # Before whatever hands a request to a thread.
    "wechat.middleware.webhook_first",
    "django.middleware.security.SecurityMiddleware",
    "botflow_site.middleware.StaticFiles",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "botflow_site.urls"
ASGI_APPLICATION = "botflow_site.asgi.application"
AUTH_USER_MODEL = "conversations.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"

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
                "botflow_site.branding.branding",
            ]
        },
    }
]

DATABASES = {
    "default": env.database(
        "DATABASE_URL", f"sqlite:///{BOTFLOW_DATA_DIR}/botflow.sqlite3", relative_to=BASE_DIR
    )
}
# Persistent connections: closing the last one makes SQLite fold its WAL back each time.
DATABASES["default"] |= {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        # IMMEDIATE and 20 s: with deferred transactions 92 % of concurrent writes fail as locked.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
    DATABASES["default"]["TEST"] = {"NAME": str(BOTFLOW_DATA_DIR / "test.sqlite3")}

REDIS_URL = env.text("REDIS_URL")
if REDIS_URL:
    # The pub/sub layer: the core one loses frames silently beyond 100 waiting ones per process.
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "conversations.redis_layer.RedisChannelLayer",
            "CONFIG": {"hosts": [REDIS_URL]},
        }
    }
else:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "conversations.local_layer.LocalChannelLayer",
            "CONFIG": {"directory": str(BOTFLOW_DATA_DIR / "layer")},
        }
    }

Q_CLUSTER = {
    "name": "botflow",
    "broker_class": "scheduling.broker.FireTimeBroker",
    "workers": BOTFLOW_WORKERS,
    "scheduler": False,  # looks every 30 s, and one malformed row stops all of it
    "timeout": 3600,  # timeouts are per run and kept by the worker; these two satisfy the library
    "retry": 86400,
    "max_attempts": 1,
    "ack_failures": True,
    "save_limit": -1,
    "label": "django-q2",
}

LANGUAGE_CODE = "en"
# Whoever chose a language is met in it next time too.
LANGUAGE_COOKIE_AGE = 365 * 86400
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = env.time_zone("TIME_ZONE", "UTC")
USE_TZ = True

STATIC_URL = "static/"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Static files are served from the apps themselves: a fresh checkout needs no collectstatic.
WHITENOISE_USE_FINDERS = True

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# Production is told by HTTPS: `BOTFLOW_HTTPS=true` once the site is reached only through TLS.
BOTFLOW_HTTPS = env.flag("BOTFLOW_HTTPS")
SECURE_SSL_REDIRECT = BOTFLOW_HTTPS
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BOTFLOW_HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if BOTFLOW_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = BOTFLOW_HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BOTFLOW_HTTPS else None
SECURE_REDIRECT_EXEMPT = [r"^health$", r"^metrics$"]
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_AGE = 365 * 86400

LOG_FORMAT = env.choice("LOG_FORMAT", "console", ("console", "json"))
LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOGGING_CONFIG = None
logging_config(
    log_format=LOG_FORMAT,
    level=LOG_LEVEL,
    secrets=[
        SECRET_KEY,
        OPENAI_API_KEY,
        WECHAT_TOKEN,
        WECHAT_APP_SECRET,
        WECHAT_AES_KEY,
        WECHAT_AES_KEY_PREVIOUS,
        DATABASES["default"].get("PASSWORD") or "",
        REDIS_URL.rpartition("@")[0].rpartition(":")[2],
    ],
)
