// One message on the page: what was said, and the line below it.

import { Body } from "./body.js";
import { element, icon } from "./dom.js";
import { Files } from "./files.js";
import { Foot } from "./foot.js";
import { text } from "./setup.js";
import { isAsked } from "./store.js";

export class MessageView {
  #body = new Body();
  #files = new Files();
  #foot;

  /** actions: those of the line below it. */
  constructor(message, actions) {
    this.#foot = new Foot(actions);
    const parts = [this.#files.node, this.#body.node, this.#foot.node];
    this.node = element("article", { class: `message ${message.role}` }, ...parts);
    this.node.dataset.key = message.key;
    // A prompt: nobody said it, its time had come.
    if (message.role === "system" && isAsked(message)) {
      this.node.classList.add("scheduled");
      this.node.prepend(icon("clock"));
    }
    this.update(message);
  }

  update(message) {
    const who = isAsked(message) ? (message.role === "user" ? "you" : "scheduled") : "assistant";
    this.node.setAttribute("aria-label", text(who));
    this.node.dataset.id = message.id;
    this.node.dataset.state = message.state ?? "";
    this.node.classList.toggle("streaming", Boolean(message.isStreaming));
    this.node.hidden = Boolean(message.isStreaming) && message.content === "";
    this.#body.update(message);
    // Pictures without a word have no bubble.
    this.#body.node.hidden = Boolean(message.files?.length) && message.content === "";
    this.#files.update(message);
    this.#foot.update(message);
  }
}
