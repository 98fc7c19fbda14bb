"""Structured logs of every process: one event a line, with the ids that lead to its reply."""

import logging
import logging.config
import re
from collections.abc import Iterable
from typing import Any

import structlog


def _without_request(
    logger: Any, name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Leave out the request that Django logs with what it refuses: its query may hold secrets."""
    event.pop("request", None)
    return event


class _WithoutSecrets:
    """Renders a line and blots out what the site keeps secret, whoever quoted it."""

    #: A shorter one would be found in ordinary words.
    SHORTEST = 8

    def __init__(self, render: structlog.typing.Processor, secrets: Iterable[str]) -> None:
        self._render = render
        known = sorted((s for s in secrets if len(s) >= self.SHORTEST), key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, logger: Any, name: str, event: structlog.typing.EventDict) -> str:
        line = str(self._render(logger, name, event))
        return self._secrets.sub("[secret]", line) if self._secrets else line


#: Loggers that say more than is good: levels that LOG_LEVEL does not change.
_LOGGERS: dict[str, dict[str, Any]] = {
    # These log each connection at INFO; the ids in our own lines say more.
    "daphne.http_protocol": {"level": "WARNING"},
    "daphne.ws_protocol": {"level": "WARNING"},
    "django.channels.server": {"level": "WARNING"},
    # These log addresses, in which WeChat's protocol has access tokens.
    "httpx": {"level": "WARNING"},
    "httpcore": {"level": "WARNING"},
    "urllib3": {"level": "WARNING"},
    # And these what models were asked, or the texts of exceptions.
    "httpx2": {"level": "WARNING"},
    "httpcore2": {"level": "WARNING"},
    "openai": {"level": "WARNING"},
    "aiohttp": {"level": "WARNING"},
    "langgraph": {"level": "WARNING"},
    "langchain_core.callbacks": {"level": "ERROR"},
    # Its statements have what people wrote in them.
    "django.db.backends": {"level": "INFO"},
    # A handler of its own keeps django-q2 from adding a second one.
    "django-q": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
}


def logging_config(*, log_format: str, level: str, secrets: Iterable[str] = ()) -> None:
    """Send the standard library's loggers through structlog's console or JSON renderer.

    No line has one of the `secrets` in it. Ids bound with `structlog.contextvars.bind_contextvars`
    (conversation, message, run) appear on every line logged within that task, whichever library
    logs it.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        _without_request,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": shared,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _WithoutSecrets(renderer, secrets),
        ],
    }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"structured": formatter},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
            "root": {"handlers": ["stderr"], "level": level},
            "loggers": _LOGGERS,
        }
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
