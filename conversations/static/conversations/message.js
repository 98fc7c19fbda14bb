// One message on the page: its text while it grows, its HTML when it is whole, its state in words.

import { copy } from "./clipboard.js";
import { element, icon } from "./dom.js";
import { text } from "./setup.js";
import { isAsked } from "./store.js";
import { clock, full } from "./times.js";

// What a person reads about the state of their own message: [icon, name of the text].
const USER_STATES = {
  sending: ["clock", "sending"],
  waiting: ["clock", "waiting"],
  queued: ["clock", "queued"],
  answering: ["clock", "answering"],
  answered: ["check", "answered"],
  failed: ["alert", "notAnswered"],
  stopped: ["stopped", "stopped"],
  refused: ["alert", "notSent"],
};

/** Copy, and say on the button whether it worked. */
export function copyButton(label, findText) {
  const words = element("span", {}, label);
  const button = element("button", { type: "button", class: "button quiet copy" }, icon("copy"), words);
  button.addEventListener("click", async () => {
    words.textContent = (await copy(findText())) ? text("copied") : text("copyFailed");
    setTimeout(() => (words.textContent = label), 2_000);
  });
  return button;
}

/** Give code blocks their heading and copy button, and make what scrolls reachable by keyboard. */
function furnish(body) {
  for (const block of body.querySelectorAll("pre")) {
    const code = block.querySelector("code") ?? block;
    const name = code.className.replace("language-", "") || text("code");
    const head = element("div", { class: "code-head" }, element("span", {}, name));
    head.append(copyButton(text("copy"), () => code.textContent));
    const frame = element("div", { class: "code" }, head);
    block.replaceWith(frame);
    frame.append(block);
    describeScroller(block, name);
  }
  for (const box of body.querySelectorAll("div.table")) describeScroller(box, text("table"));
}

function describeScroller(box, name) {
  box.tabIndex = 0;
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", name);
}

export class MessageView {
  #shown = { revision: -1, length: 0, html: null, foot: "" };
  #actions;

  /** actions: `retry(message)`, `edit(message)`. */
  constructor(message, actions) {
    this.#actions = actions;
    this.body = element("div", { class: "text", dir: "auto" });
    this.foot = element("div", { class: "foot" });
    this.node = element("article", { class: `message ${message.role}` }, this.body, this.foot);
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
    if (isAsked(message) || message.isStreaming || !message.html) this.#showText(message);
    else this.#showHtml(message);
    this.#showFoot(message);
  }

  /** Plain text; while it only grows, only what is new is added to the page. */
  #showText(message) {
    const shown = this.#shown;
    const isGrown = shown.html === null && shown.revision === message.revision;
    if (!isGrown) this.body.replaceChildren(document.createTextNode(message.content));
    else if (message.content.length > shown.length) {
      this.body.firstChild.appendData(message.content.slice(shown.length));
    }
    this.body.classList.add("plain");
    Object.assign(shown, { html: null, revision: message.revision, length: message.content.length });
  }

  /** The server's HTML: it comes out of its sanitizer, and the page's policy stands behind it. */
  #showHtml(message) {
    if (this.#shown.html === message.html) return;
    this.body.classList.remove("plain");
    this.body.innerHTML = message.html;
    furnish(this.body);
    this.#shown.html = message.html;
  }

  #showFoot(message) {
    const { state, detail, createdAt, isStreaming, replyTo } = message;
    const parts = JSON.stringify([state, detail, createdAt, isStreaming, replyTo]);
    if (this.#shown.foot === parts) return;
    this.#shown.foot = parts;
    this.foot.replaceChildren();
    if (message.createdAt) this.foot.append(this.#time(message));
    if (message.role === "user") this.#showUserState(message);
    else if (message.role === "assistant" && !message.isStreaming) this.#showReplyState(message);
  }

  #time(message) {
    const moment = new Date(message.createdAt);
    const properties = { datetime: message.createdAt, title: full.format(moment) };
    return element("time", properties, clock.format(moment));
  }

  #showUserState(message) {
    const [symbol, name] = USER_STATES[message.state] ?? USER_STATES.answered;
    const isRefused = message.state === "refused";
    const words = (isRefused && message.detail) || text(name);
    const properties = { class: "state", role: isRefused ? "alert" : false };
    this.foot.append(element("span", properties, icon(symbol), element("span", {}, words)));
    if (!isRefused) return;
    for (const action of ["retry", "edit"]) {
      this.foot.append(actionButton(action, () => this.#actions[action](message)));
    }
  }

  #showReplyState(message) {
    // Said unasked: by a task, when its time had come.
    if (!message.replyTo) {
      this.foot.append(element("span", { class: "state unasked" }, icon("clock"), text("scheduled")));
    }
    if (message.detail) this.foot.append(element("span", { class: "state" }, message.detail));
    this.foot.append(copyButton(text("copy"), () => message.content));
  }
}

function actionButton(action, onclick) {
  const properties = { type: "button", class: `button small ${action}`, onclick };
  return element("button", properties, icon(action), text(action));
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
