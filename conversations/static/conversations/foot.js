// The line under a message: when it was said, what became of it, and what may be done with it.

import { actionButton, copyButton } from "./buttons.js";
import { element, icon } from "./dom.js";
import { text } from "./setup.js";
import { clock, full } from "./times.js";

// What a person reads about the state of their own message: [icon, name of the text].
const USER_STATES = {
  sending: ["clock", "sending"],
  waiting: ["offline", "waiting"],
  queued: ["check", "queued"],
  picked: ["checks", "picked"],
  answering: ["dots", "answering"],
  answered: ["checks", "answered"],
  failed: ["alert", "notAnswered"],
  stopped: ["stopped", "stopped"],
  refused: ["alert", "notSent"],
};

export class Foot {
  #shown = "";
  #actions;
  node = element("div", { class: "foot" });

  /** actions: `retry(message)`, `edit(message)`. */
  constructor(actions) {
    this.#actions = actions;
  }

  update(message) {
    const { state, detail, createdAt, isStreaming, replyTo, isSpoken } = message;
    const parts = JSON.stringify([state, detail, createdAt, isStreaming, replyTo, isSpoken]);
    if (this.#shown === parts) return;
    this.#shown = parts;
    this.node.replaceChildren();
    if (message.createdAt) this.node.append(this.#time(message));
    if (message.role === "user") this.#showUserState(message);
    else if (message.role === "assistant" && !message.isStreaming) this.#showReplyState(message);
  }

  #time(message) {
    const moment = new Date(message.createdAt);
    const properties = { datetime: message.createdAt, title: full.format(moment) };
    return element("time", properties, clock.format(moment));
  }

  #showUserState(message) {
    // Until the first words of the answer are there it is only being seen to.
    const tick = message.state === "answering" && !message.isSpoken ? "picked" : message.state;
    const [symbol, name] = USER_STATES[tick] ?? USER_STATES.answered;
    const isRefused = message.state === "refused";
    const words = (isRefused && message.detail) || text(name);
    const properties = { class: "state", "data-tick": tick, role: isRefused ? "alert" : false };
    this.node.append(element("span", properties, icon(symbol), element("span", {}, words)));
    if (!isRefused) return;
    for (const action of ["retry", "edit"]) {
      this.node.append(actionButton(action, () => this.#actions[action](message)));
    }
  }

  #showReplyState(message) {
    // Said unasked: by a task, when its time had come.
    if (!message.replyTo) {
      this.node.append(element("span", { class: "state unasked" }, icon("clock"), text("scheduled")));
    }
    if (message.detail) this.node.append(element("span", { class: "state" }, message.detail));
    this.node.append(copyButton(text("copy"), () => message.content));
  }
}

/** The line under a question that got no whole reply: why, and a way to try again. */
export function outcomeNode(message, actions) {
  const isFailed = message.state === "failed";
  const words = (isFailed && message.detail) || text(message.state);
  // Only news is read out: what failed last week is not.
  const role = isFailed && message.isNews ? "alert" : false;
  const line = element("p", { role }, icon(isFailed ? "alert" : "stopped"), element("span", {}, words));
  const again = actionButton("retry", () => actions.retry(message));
  return element("div", { class: `outcome ${message.state}` }, line, again);
}
