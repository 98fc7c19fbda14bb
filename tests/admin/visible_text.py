"""What a person, or a screen reader, finds in a page: its text and its labels, and where."""

import re
from html.parser import HTMLParser

#: Program text, drawings and stored values; a `template` is text that a script may show.
HIDDEN = {"script", "style", "svg", "noscript", "pre", "code"}
VOID = {"input", "img", "br", "hr", "meta", "link", "source", "col", "wbr"}
LABELS = ("placeholder", "title", "aria-label", "alt", "aria-description", "label")
WORD = re.compile(r"[A-Za-z]{2,}")
#: Icons are drawn from ligatures: the name of the icon is its text.
ICON = "material-symbols-outlined"


class VisibleText(HTMLParser):
    """Collects (place, text) of everything that is shown or read out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        hidden = tag in HIDDEN or ICON in values.get("class", "").split()
        # What is meant to be in another language says so.
        marked = tag != "html" and "lang" in values
        hidden = hidden or (marked and not values["lang"].startswith("zh"))
        hidden = hidden or bool(self.open and self.open[-1][1])
        if tag not in VOID:
            self.open.append((tag, hidden))
        if hidden:
            return
        for name in LABELS:
            if name in values:
                self.found.append((f"{tag}[{name}]", values[name]))
        if tag == "input" and values.get("type") in ("submit", "button", "reset"):
            self.found.append(("input[value]", values.get("value", "")))
        for name, value in values.items():
            if name in ("x-text", "x-html"):
                self.found += [(f"{tag}[{name}]", text) for text in re.findall("'([^']*)'", value)]

    def handle_endtag(self, tag: str) -> None:
        while self.open and tag in {name for name, _ in self.open}:
            if self.open.pop()[0] == tag:
                break

    def handle_data(self, data: str) -> None:
        if not (self.open and self.open[-1][1]) and data.strip():
            place = self.open[-1][0] if self.open else ""
            self.found.append((place, " ".join(data.split())))


def foreign_text(page: str, *, known: re.Pattern[str]) -> set[tuple[str, str]]:
    """Return the places and texts with a word in Latin letters that `known` does not match."""
    reader = VisibleText()
    reader.feed(page)
    return {(place, text) for place, text in reader.found if WORD.search(known.sub("", text))}
