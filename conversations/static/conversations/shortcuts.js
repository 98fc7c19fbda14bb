// The list of keys: from the menu, with Ctrl+/, or with ? where nothing is being written.

import { byId } from "./dom.js";

const isApple = /Mac|iPhone|iPad/.test(navigator.platform);
const KEY_NAMES = { Ctrl: "⌘", Alt: "⌥" };

function isWritten({ target }) {
  return target.closest?.("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]");
}

export class Shortcuts {
  #panel = byId("shortcuts");
  #field = byId("draft");

  constructor() {
    if (!this.#panel) return;
    if (isApple) {
      for (const key of this.#panel.querySelectorAll("kbd")) key.textContent = KEY_NAMES[key.textContent] ?? key.textContent;
    }
    byId("shortcuts-open")?.addEventListener("click", () => this.#open());
    byId("shortcuts-close").addEventListener("click", () => this.#panel.close());
    this.#panel.addEventListener("click", (event) => this.#clicked(event));
    document.addEventListener("keydown", (event) => this.#pressed(event));
  }

  #pressed(event) {
    if (event.defaultPrevented || event.isComposing || event.keyCode === 229 || event.repeat) return;
    const isChord = event.key === "/" && (event.ctrlKey || event.metaKey);
    const isMark = event.key === "?" && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (!isChord && !isMark) return;
    if (this.#panel.open) this.#again(event, isMark);
    else if (!document.querySelector("dialog:modal") && (isChord || this.#isFree(event))) this.#take(event);
  }

  /** In the field of the message itself only while it is empty: there it may be what is to be written. */
  #isFree(event) {
    return event.target === this.#field ? this.#field.value === "" : !isWritten(event);
  }

  #take(event) {
    event.preventDefault();
    this.#open();
  }

  /** The same key closes the list; a question mark is then written after all. */
  #again(event, isMark) {
    event.preventDefault();
    this.#panel.close();
    if (!isMark || document.activeElement !== this.#field) return;
    // As if typed: it can be undone, and whoever listens to the field is told.
    document.execCommand("insertText", false, "?");
  }

  #open() {
    this.#panel.showModal();
  }

  /** A click beside the panel, which is on its backdrop, closes it. */
  #clicked({ target, clientX, clientY }) {
    if (target !== this.#panel) return;
    const { left, right, top, bottom } = this.#panel.getBoundingClientRect();
    const isInside = clientX >= left && clientX <= right && clientY >= top && clientY <= bottom;
    if (!isInside) this.#panel.close();
  }
}
