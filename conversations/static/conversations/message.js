// One message on the page: what was said, and the line below it.

import { Body } from "./body.js";
import { element, icon } from "./dom.js";
import { Editor } from "./editor.js";
import { Files } from "./files.js";
import { Foot } from "./foot.js";
import { text } from "./setup.js";
import { isAsked } from "./store.js";
import { Tools } from "./tools.js";

export class MessageView {
  #body;
  #files = new Files();
  #foot;
  #tools = null;
  #message;
  #actions;
  #editor = null;
  #gone = element("p", { class: "gone", hidden: true }, text("deleted"));

  /** actions: those of the lines below it, and `revise(message, content)`; `slices` for long texts. */
  constructor(message, actions, slices) {
    this.#body = new Body(slices);
    this.#foot = new Foot(actions);
    this.#actions = actions;
    const below = element("div", { class: "below" }, this.#foot.node);
    if (message.role !== "system") {
      this.#tools = new Tools(message, { ...actions, change: () => this.edit() });
      below.append(this.#tools.node);
    }
    const parts = [this.#files.node, this.#body.node, this.#gone, below];
    this.node = element("article", { class: `message ${message.role}` }, ...parts);
    this.node.dataset.key = message.key;
    // A prompt: nobody said it, its time had come.
    if (message.role === "system" && isAsked(message)) {
      this.node.classList.add("scheduled");
      this.node.prepend(icon("clock"));
    }
    this.update(message);
  }

  /** Open what was said for changing, in its place. */
  edit() {
    if (this.#editor) return this.#editor.focus();
    const message = this.#message;
    this.#editor = new Editor(message, {
      send: (content) => this.#close() || this.#actions.revise(message, content),
      close: () => this.#close() || this.#tools.focusOn("edit"),
    });
    this.#body.node.before(this.#editor.node);
    this.node.classList.add("editing");
    return this.#editor.focus();
  }

  /** Put the focus on what leads to the other versions; `step` is the way that was gone. */
  focusVersions(step) {
    this.#tools?.focus(step);
  }

  #close() {
    this.#editor.node.remove();
    this.#editor = null;
    this.node.classList.remove("editing");
  }

  update(message) {
    this.#message = message;
    const who = isAsked(message) ? (message.role === "user" ? "you" : "scheduled") : "assistant";
    this.node.setAttribute("aria-label", text(who));
    this.node.dataset.id = message.id;
    this.node.dataset.state = message.state ?? "";
    this.node.classList.toggle("streaming", Boolean(message.isStreaming));
    this.node.hidden = Boolean(message.isStreaming) && message.content === "";
    this.#body.update(message);
    // Pictures without a word have no bubble.
    const isWordless = Boolean(message.files?.length) && message.content === "";
    this.#body.node.hidden = isWordless || Boolean(message.isDeleted);
    this.#gone.hidden = !message.isDeleted;
    this.#foot.node.hidden = Boolean(message.isDeleted);
    this.#files.update(message);
    this.#foot.update(message);
    this.#tools?.update(message);
  }
}
