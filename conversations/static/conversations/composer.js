// Where a message is written: Enter sends, an input method may finish its word first, drafts stay.

import { Attachments } from "./attachments.js";
import { CommandList } from "./commands.js";
import { Composing } from "./composing.js";
import { byId } from "./dom.js";
import { Drafts } from "./drafts.js";
import { embed, maxLength, text, voice } from "./setup.js";
import { lengthOf } from "./store.js";

export class Composer {
  #form = byId("composer");
  #field = byId("draft");
  #send = byId("send");
  #stop = byId("stop");
  #hint = byId("hint");
  #tooLong = byId("too-long");
  #commands = new CommandList(this.#field, (content) => this.#replace(content));
  #composing = new Composing(this.#field);
  #drafts = new Drafts();
  #conversation = null;
  #isBusy = false;
  #calmHint = this.#hint.textContent;
  #handlers;
  #attachments = null;
  #dictation = null;

  /**
   * handlers: `send(content, files)`, `stop()`, `recall()`, which changes the last message if it can,
   * `failed(sentence)`.
   */
  constructor(handlers) {
    this.#handlers = handlers;
    this.#attachments = new Attachments({ changed: () => this.#showButtons(), focus: () => this.focus() });
    this.#field.addEventListener("input", (event) => {
      this.#edited();
      // What an input method shows meanwhile is not written yet.
      if (!event.isComposing) this.#commands.update();
    });
    this.#field.addEventListener("compositionend", () => this.#commands.update());
    this.#field.addEventListener("keydown", (event) => this.#pressed(event));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#stop.addEventListener("click", () => this.#stopAnswer());
    document.addEventListener("keydown", (event) => {
      // Another Escape than this one closes a panel or a list.
      const isOther = event.defaultPrevented || document.querySelector("dialog[open]");
      if (event.key === "Escape" && this.#isBusy && !isOther && !this.#composing.owns(event)) this.#stopAnswer();
    });
    this.#replace(this.#drafts.read(null));
    // Inside another site's page there is no microphone.
    if (voice && !embed) this.#listen();
    this.#commands.close();
  }

  /** While an answer is awaited, Stop stands where Send was; with text to send there are both. */
  set isBusy(value) {
    if (this.#isBusy === value) return;
    this.#isBusy = value;
    this.#hint.textContent = value ? text("hintQueue") : this.#calmHint;
    this.#showButtons();
  }

  get isEmpty() {
    return this.#field.value.trim() === "";
  }

  /** Show the draft of that conversation; what is written before there is one goes along into it. */
  open(conversation) {
    if (conversation === this.#conversation) return;
    const isFirst = this.#conversation === null && conversation !== null;
    const carried = isFirst ? this.#field.value : "";
    if (isFirst) this.#drafts.write(null, "");
    this.#conversation = conversation;
    this.#commands.close();
    this.#attachments.open(conversation);
    const known = this.#drafts.read(conversation);
    // Not touched without need: an input method may be at work in it.
    if (!carried || known) this.#replace([carried, known].filter(Boolean).join("\n"));
    else this.#drafts.write(conversation, carried);
  }

  /** Its conversation is gone: what is written goes along into the next one. */
  release() {
    this.#drafts.write(this.#conversation, "");
    this.#conversation = null;
    this.#drafts.write(null, this.#field.value);
    this.#attachments.release();
  }

  focus() {
    this.#field.focus({ preventScroll: true });
  }

  /** Put `content` in front of what is written already, for the person to change and send. */
  fill(content, files) {
    this.#attachments.fill(files);
    const rest = this.isEmpty ? "" : `\n${this.#field.value}`;
    this.#replace(content + rest, content.length);
    this.#commands.close();
    this.focus();
  }

  async #listen() {
    const { Dictation, isOffered } = await import("./later/dictation.js");
    if (isOffered) this.#dictation = new Dictation(this.#field, this.#handlers.failed);
  }

  #replace(content, cursor = content.length) {
    this.#dictation?.end();
    this.#field.value = content;
    this.#field.setSelectionRange(cursor, cursor);
    this.#edited();
  }

  #pressed(event) {
    if (this.#composing.owns(event) || this.#commands.pressed(event)) return;
    const isPlain = !event.shiftKey && !event.altKey && !event.ctrlKey && !event.metaKey;
    if (event.key === "ArrowUp" && isPlain && this.#field.value === "") {
      if (this.#handlers.recall?.()) event.preventDefault();
    }
    // With Ctrl or Cmd it sends too, as in programs where Enter alone does not.
    if (event.key !== "Enter" || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (!event.repeat) this.#submit();
  }

  #submit() {
    const content = this.#field.value;
    if (!this.#hasSomething || lengthOf(content) > maxLength) return;
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

  get #hasSomething() {
    return !this.isEmpty || !this.#attachments.isEmpty;
  }

  #edited() {
    const content = this.#field.value;
    this.#drafts.write(this.#conversation, content);
    // Code points are counted only when there could be too many of them.
    const length = content.length > maxLength ? lengthOf(content) : 0;
    this.#tooLong.hidden = length <= maxLength;
    if (length > maxLength) this.#tooLong.textContent = text("tooLong", { length, limit: maxLength });
    this.#field.setAttribute("aria-invalid", String(length > maxLength));
    this.#showButtons();
  }

  #showButtons() {
    if (!this.#attachments) return; // it is being made, and says that it has changed
    this.#stop.hidden = !this.#isBusy;
    this.#send.hidden = this.#isBusy && !this.#hasSomething;
    this.#send.disabled = !this.#hasSomething || !this.#tooLong.hidden;
    this.#fit();
  }

  /** As high as its text, in the width that the buttons leave it. */
  #fit() {
    this.#field.style.height = "auto";
    this.#field.style.height = `${this.#field.scrollHeight}px`;
  }
}
