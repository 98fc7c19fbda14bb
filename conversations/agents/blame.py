"""Says where an exception comes from without its text, which may quote a key or what was said."""

from __future__ import annotations

import sysconfig
import traceback
from pathlib import Path

_LIBRARIES = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "purelib", "platlib"))
_OWN = str(Path(__file__).parents[1])


def place_of(error: BaseException) -> str:
    """Return "at file.py:7 in name": the owner's line rather than a library's or BotFlow's."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith((*_LIBRARIES, _OWN))]
    if not frames:
        return "at an unknown place"
    frame = (own or frames)[-1]
    return f"at {Path(frame.filename).name}:{frame.lineno} in {frame.name}"
