"""Input methods as browsers report them: Chromium's own, and the orders of the others by events."""

from typing import Any

from playwright.sync_api import CDPSession, Locator, Page

#: How else the key that confirms a word arrives: after the composition has ended, or without a
#: word that there is one. `close` is one that comes at once, as people cannot type.
CONFIRMING = """(field, {word, how}) => {
  const send = (event) => field.dispatchEvent(event);
  const key = (fields) => send(new KeyboardEvent("keydown",
    {key: "Enter", bubbles: true, cancelable: true, keyCode: 13, ...fields}));
  send(new CompositionEvent("compositionstart", {bubbles: true}));
  field.value = word;
  send(new InputEvent("input", {bubbles: true, isComposing: true, data: word}));
  if (how === "flagged") key({isComposing: true});
  if (how === "unflagged") key({});
  if (how === "chrome") key({isComposing: true, keyCode: 229});
  send(new CompositionEvent("compositionend", {bubbles: true, data: word}));
  if (how === "safari") key({keyCode: 229});
  if (how === "close") key({});
}"""


class InputMethod:
    """Chromium's own composition, as a keyboard of another script drives it."""

    def __init__(self, page: Page) -> None:
        self._session: CDPSession = page.context.new_cdp_session(page)

    def show(self, *stages: str) -> None:
        """Show what is being composed, one stage after the other."""
        for text in stages:
            end = len(text)
            fields = {"text": text, "selectionStart": end, "selectionEnd": end}
            self._session.send("Input.imeSetComposition", fields)

    def press_enter(self) -> None:
        """Press Enter as it comes from a key that the input method has taken.

        On Windows it is named `Process`, elsewhere by what is written on it.
        """
        code = {"windowsVirtualKeyCode": 229, "nativeVirtualKeyCode": 229, "code": "Enter"}
        for name in ("Process", "Enter"):
            self._key({"type": "rawKeyDown", "key": name, **code})
            self._key({"type": "keyUp", "key": name, **code})

    def confirm(self, word: str) -> None:
        self._session.send("Input.insertText", {"text": word})

    def _key(self, fields: dict[str, Any]) -> None:
        self._session.send("Input.dispatchKeyEvent", fields)


def confirm_by_events(field: Locator, word: str, how: str) -> None:
    field.evaluate(CONFIRMING, {"word": word, "how": how})
