// A message being changed in its place: Enter sends it anew, Escape leaves it as it is.

import { Composing } from "./composing.js";
import { element } from "./dom.js";
import { maxLength, text } from "./setup.js";
import { lengthOf } from "./store.js";

export class Editor {
  #field;
  #send;
  #composing;
  #handlers;
  #isEmptyAllowed;
  node;

  /** handlers: `send(content)`, `close()`; a message with files may be without words. */
  constructor(message, handlers) {
    this.#handlers = handlers;
    this.#isEmptyAllowed = Boolean(message.files?.length);
    this.#field = element("textarea", { rows: 1, "aria-label": text("editField"), enterkeyhint: "send" });
    this.#field.value = message.content;
    this.#composing = new Composing(this.#field);
    this.#send = element("button", { type: "submit", class: "button small primary" }, text("askAgain"));
    const properties = { type: "button", class: "button small", onclick: () => handlers.close() };
    const cancel = element("button", properties, text("cancelEdit"));
    const onsubmit = (event) => {
      event.preventDefault();
      this.#submit();
    };
    const row = element("div", { class: "editor-row" }, cancel, this.#send);
    this.node = element("form", { class: "editor", onsubmit }, this.#field, row);
    this.#field.addEventListener("input", () => this.#fit());
    this.node.addEventListener("keydown", (event) => this.#pressed(event));
  }

  /** To be called once it is on the page. */
  focus() {
    this.#fit();
    this.#field.focus();
    this.#field.setSelectionRange(this.#field.value.length, this.#field.value.length);
  }

  get #isSendable() {
    const content = this.#field.value;
    return (content.trim() !== "" || this.#isEmptyAllowed) && lengthOf(content) <= maxLength;
  }

  #fit() {
    this.#field.style.height = "auto";
    this.#field.style.height = `${this.#field.scrollHeight + 2}px`;
    this.#send.disabled = !this.#isSendable;
  }

  #pressed(event) {
    if (this.#composing.owns(event)) return;
    if (event.key === "Escape") {
      event.preventDefault(); // this one stops no answer
      this.#handlers.close();
    } else if (event.key === "Enter" && event.target === this.#field && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      this.#submit();
    }
  }

  #submit() {
    if (this.#isSendable) this.#handlers.send(this.#field.value.trim());
  }
}
