// What may be done with a message: copy, change, answer again, delete, see other versions.

import { copy } from "./clipboard.js";
import { element, icon } from "./dom.js";
import { text, voice } from "./setup.js";
import { Versions } from "./versions.js";

const COPIED_FOR = 2_000;
const ICONS = { copy: "copy", edit: "edit", aloud: "speaker", again: "retry", delete: "trash" };

export class Tools {
  #message;
  #actions;
  /** Made for the few messages that have others. */
  #versions = null;
  #buttons = {};
  #row = element("span", { class: "tool-row" });
  #question = null;
  node = element("div", { class: "tools" });

  /**
   * actions: `change(message)` opens it for editing, `again(message)` has a reply given anew,
   * `isRepeatable(message)` whether it can be, `remove(message)`, `choose(id, step)`.
   */
  constructor(message, actions) {
    this.#message = message;
    this.#actions = actions;
    const isUser = message.role === "user";
    if (isUser) this.#add("copy", () => this.#copy());
    if (isUser) this.#add("edit", () => actions.change(this.#message));
    else {
      if (voice && "speechSynthesis" in window) this.#add("aloud", () => this.#aloud());
      this.#add("again", () => actions.again(this.#message));
    }
    this.#add("delete", () => this.#ask());
    this.node.append(this.#row);
  }

  update(message) {
    this.#message = message;
    const { isPending, isStreaming, isDeleted, content, role } = message;
    this.#showVersions(message.versions ?? null);
    this.#row.hidden = Boolean(isPending || isStreaming || isDeleted);
    if (isDeleted) this.#question?.replaceWith(this.#row);
    if (role === "user") this.#buttons.copy.hidden = content === "";
    else this.#buttons.again.hidden = !this.#actions.isRepeatable(message);
  }

  focus(step) {
    this.#versions?.focus(step);
  }

  focusOn(name) {
    this.#buttons[name].focus();
  }

  #showVersions(versions) {
    if (!versions && !this.#versions) return;
    if (!this.#versions) {
      this.#versions = new Versions((id, step) => this.#actions.choose(id, step));
      this.node.prepend(this.#versions.node);
    }
    this.#versions.update(versions);
  }

  #add(name, onclick) {
    const label = text(`tool.${name}`);
    const properties = { type: "button", class: `tool ${name}`, "aria-label": label, title: label, onclick };
    this.#buttons[name] = element("button", properties, icon(ICONS[name]));
    this.#row.append(this.#buttons[name]);
  }

  async #aloud() {
    const { toggle } = await import("./later/aloud.js");
    toggle(this.node.closest(".message").querySelector(".text"), this.#buttons.aloud);
  }

  async #copy() {
    const button = this.#buttons.copy;
    const isCopied = await copy(this.#message.content);
    const words = text(isCopied ? "copied" : "copyFailed");
    button.replaceChildren(icon(isCopied ? "check" : "alert"));
    button.setAttribute("aria-label", words);
    button.title = words;
    setTimeout(() => {
      button.replaceChildren(icon("copy"));
      button.setAttribute("aria-label", text("tool.copy"));
      button.title = text("tool.copy");
    }, COPIED_FOR);
  }

  /** Ask before what cannot be undone, in the place of the tools. */
  #ask() {
    const words = text(this.#message.role === "user" ? "tool.deleteQuestion" : "tool.deleteReplyQuestion");
    const label = element("span", {}, words);
    const cancel = element("button", { type: "button", class: "button small" }, text("cancelEdit"));
    const confirm = element("button", { type: "button", class: "button small danger" }, text("deleteNow"));
    cancel.addEventListener("click", () => this.#answered());
    confirm.addEventListener("click", () => {
      this.#answered();
      this.#actions.remove(this.#message);
    });
    this.#question = element("span", { class: "question", role: "group", "aria-label": words }, label, confirm, cancel);
    this.#question.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault(); // this one stops no answer
      this.#answered();
    });
    this.#row.replaceWith(this.#question);
    cancel.focus();
  }

  #answered() {
    this.#question?.replaceWith(this.#row);
    this.#question = null;
    this.#buttons.delete.focus();
  }
}
