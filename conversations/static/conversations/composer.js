// Where a message is written: Enter sends, an input method may finish its word first, drafts stay.

import { Attachments } from "./attachments.js";
import { CommandList } from "./commands.js";
import { byId } from "./dom.js";
import { maxLength, text } from "./setup.js";
import { browser } from "./storage.js";
import { lengthOf } from "./store.js";

// Safari ends the composition before the Enter that confirms it arrives (WebKit bug 165004).
const COMPOSITION_TAIL = 30;

export class Composer {
  #form = byId("composer");
  #field = byId("draft");
  #send = byId("send");
  #stop = byId("stop");
  #tooLong = byId("too-long");
  #commands = new CommandList(this.#field, (content) => this.#replace(content));
  #compositionEnded = -Infinity;
  #isBusy = false;
  #attachments = new Attachments({ changed: () => this.#showButtons(), focus: () => this.focus() });
  #handlers;

  /** handlers: `send(content, files)`, `stop()`. */
  constructor(handlers) {
    this.#handlers = handlers;
    this.#field.value = browser.read("draft", "");
    this.#field.addEventListener("input", (event) => {
      this.#edited();
      // What an input method shows meanwhile is not written yet.
      if (!event.isComposing) this.#commands.update();
    });
    this.#field.addEventListener("compositionend", (event) => {
      this.#compositionEnded = event.timeStamp;
      this.#commands.update();
    });
    this.#field.addEventListener("keydown", (event) => this.#pressed(event));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#stop.addEventListener("click", () => this.#stopAnswer());
    document.addEventListener("keydown", (event) => {
      // Another Escape than this one closes a panel or a list.
      const isOther = event.defaultPrevented || document.querySelector("dialog[open]");
      if (event.key === "Escape" && this.#isBusy && !isOther && !this.#isComposing(event)) this.#stopAnswer();
    });
    this.#edited();
  }

  /** While an answer is awaited, Stop stands where Send was; with text to send there are both. */
  set isBusy(value) {
    this.#isBusy = value;
    this.#showButtons();
  }

  get isEmpty() {
    return this.#field.value.trim() === "";
  }

  /** Whether there is something to send: text or files. */
  get #hasMessage() {
    return !this.isEmpty || !this.#attachments.isEmpty;
  }

  focus() {
    this.#field.focus({ preventScroll: true });
  }

  /** Put `content` in front of what is written already, for the person to change and send. */
  fill(content, files = []) {
    this.#attachments.fill(files);
    const rest = this.isEmpty ? "" : `\n${this.#field.value}`;
    this.#replace(content + rest, content.length);
    this.#commands.close();
    this.focus();
  }

  #replace(content, cursor = content.length) {
    this.#field.value = content;
    this.#field.setSelectionRange(cursor, cursor);
    this.#edited();
  }

  #isComposing(event) {
    const isTail = event.timeStamp - this.#compositionEnded < COMPOSITION_TAIL;
    return event.isComposing || event.keyCode === 229 || isTail;
  }

  #pressed(event) {
    if (this.#isComposing(event) || this.#commands.pressed(event)) return;
    if (event.key !== "Enter" || event.shiftKey || event.altKey) return;
    event.preventDefault();
    this.#submit();
  }

  #submit() {
    const content = this.#field.value;
    if (!this.#hasMessage || lengthOf(content) > maxLength) return;
    if (this.#attachments.isBusy) {
      this.#attachments.whenReady(() => this.#submit());
      return;
    }
    this.#replace("");
    this.#commands.close();
    this.#handlers.send(content.trim(), this.#attachments.take());
    this.focus();
  }

  #stopAnswer() {
    this.#handlers.stop();
    this.focus();
  }

  #edited() {
    const content = this.#field.value;
    browser.write("draft", content || null);
    this.#field.style.height = "auto";
    this.#field.style.height = `${this.#field.scrollHeight}px`;
    // Code points are counted only when there could be too many of them.
    const length = content.length > maxLength ? lengthOf(content) : 0;
    this.#tooLong.hidden = length <= maxLength;
    if (length > maxLength) this.#tooLong.textContent = text("tooLong", { length, limit: maxLength });
    this.#field.setAttribute("aria-invalid", String(length > maxLength));
    this.#showButtons();
  }

  #showButtons() {
    this.#stop.hidden = !this.#isBusy;
    this.#send.hidden = this.#isBusy && !this.#hasMessage;
    this.#send.disabled = !this.#hasMessage || !this.#tooLong.hidden;
  }
}
