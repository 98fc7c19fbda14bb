"""The sample of cron and interval cases that every part of the trigger tests draws from."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

SAMPLES: dict[str, Any] = json.loads(
    (Path(__file__).parent / "data" / "cron_cases.json").read_text(encoding="utf-8")
)


def moments(texts: list[str]) -> list[datetime]:
    return [datetime.fromisoformat(text) for text in texts]
