"""Keeps text to what both databases and every JSON reader can take."""

import re

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_HIGH_SURROGATES = ("\ud800", "\udbff")


def clean(text: str) -> str:
    """Return `text` without NUL and lone surrogates; two surrogates that form a pair are joined."""
    if not _UNSTORABLE.search(text):
        return text
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
    return joined.replace("\0", "")


def split_open_pair(text: str) -> tuple[str, str]:
    """Return `text` and its last character apart if that may be half of a surrogate pair."""
    low, high = _HIGH_SURROGATES
    return (text[:-1], text[-1]) if text and low <= text[-1] <= high else (text, "")
