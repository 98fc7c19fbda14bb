// The list of keys: from the menu, with Ctrl+/, or with ? where nothing is being written.

import { byId } from "./dom.js";

const isApple = /Mac|iPhone|iPad/.test(navigator.platform);
const KEY_NAMES = { Ctrl: "⌘", Alt: "⌥" };

function isWritten({ target }) {
  return target.closest?.("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]");
}

export class Shortcuts {
  #panel = byId("shortcuts");

  constructor() {
    if (!this.#panel) return;
    if (isApple) {
      for (const key of this.#panel.querySelectorAll("kbd")) key.textContent = KEY_NAMES[key.textContent] ?? key.textContent;
    }
    byId("shortcuts-open")?.addEventListener("click", () => this.#panel.showModal());
    byId("shortcuts-close").addEventListener("click", () => this.#panel.close());
    this.#panel.addEventListener("click", (event) => this.#clicked(event));
    document.addEventListener("keydown", (event) => this.#pressed(event));
  }

  #pressed(event) {
    if (event.defaultPrevented || event.isComposing || event.keyCode === 229 || event.repeat) return;
    const isChord = event.key === "/" && (event.ctrlKey || event.metaKey);
    const isMark = event.key === "?" && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (!isChord && !isMark) return;
    const isFree = isChord || !isWritten(event);
    if (this.#panel.open) this.#panel.close();
    else if (isFree && !document.querySelector("dialog:modal")) this.#panel.showModal();
    else return;
    event.preventDefault();
  }

  /** A click beside the panel, which is on its backdrop, closes it. */
  #clicked({ target, clientX, clientY }) {
    if (target !== this.#panel) return;
    const { left, right, top, bottom } = this.#panel.getBoundingClientRect();
    const isInside = clientX >= left && clientX <= right && clientY >= top && clientY <= bottom;
    if (!isInside) this.#panel.close();
  }
}
