// One task in the panel: what it says, when it is next, and what can be done with it.

import { element, icon } from "./dom.js";
import { text } from "./setup.js";
import { distanceWords, full, momentWords } from "./times.js";

function write(node, words) {
  if (node.textContent !== words) node.textContent = words;
}

export class TaskView {
  #task = {};
  #act;
  #isWaiting = false;
  #name = element("h3", { class: "task-text", dir: "auto" });
  #distance = element("span", { class: "task-distance" });
  #words = element("span");
  #moment = element("time");
  #reason = element("span");
  #wordsLine = element("p", {}, icon("bell"), this.#words);
  #momentLine = element("p", {}, icon("clock"), this.#moment);
  #reasonLine = element("p", { class: "task-reason" }, icon("pause"), this.#reason);
  #number = element("span", { class: "task-number" });
  #steer = this.#button("pause", () => this.#do(this.#verb));
  #cancel = this.#button("cancel", () => this.#ask(true));
  #actions = element("div", { class: "task-actions" }, this.#number, this.#steer, this.#cancel);
  #question = element("span", { class: "task-question" }, text("cancelQuestion"));
  #yes = this.#button("yes", () => this.#do("cancel"));
  #no = this.#button("no", () => this.#ask(false));
  #confirm = element("div", { class: "task-actions", role: "group", hidden: true }, this.#question, this.#yes, this.#no);

  /** `act(number, verb)` is called with "pause", "resume" or "cancel". */
  constructor(task, act) {
    this.#act = act;
    const lines = element("div", { class: "task-lines" }, this.#wordsLine, this.#momentLine, this.#reasonLine);
    const head = element("div", { class: "task-head" }, this.#name, this.#distance);
    this.node = element("li", { class: "task" }, head, lines, this.#actions, this.#confirm);
    this.#confirm.addEventListener("keydown", (event) => this.#pressed(event));
    this.update(task);
  }

  update(task) {
    // The question was about another task, should numbers have moved: it must be asked anew.
    if (task.text !== this.#task.text || task.words !== this.#task.words) this.#close();
    this.#task = task;
    this.node.dataset.state = task.state;
    write(this.#name, task.text);
    this.#name.title = task.text;
    write(this.#words, task.words);
    write(this.#number, `#${task.number}`);
    this.#reasonLine.hidden = !this.#isPaused;
    write(this.#reason, task.reason ? text("pausedBecause", task) : text("paused"));
    this.#showVerb();
    this.tick(new Date());
  }

  /** Show how far away the next time is by now; returns whether that moment is over. */
  tick(now) {
    const next = this.#task.next_at && !this.#isPaused ? new Date(this.#task.next_at) : null;
    this.#momentLine.hidden = this.#distance.hidden = !next;
    if (!next) return false;
    if (this.#moment.dateTime !== this.#task.next_at) this.#moment.dateTime = this.#task.next_at;
    this.#moment.title = full.format(next);
    write(this.#moment, momentWords(next, now));
    write(this.#distance, distanceWords(next, now));
    return next < now;
  }

  /** While the server is asked, the buttons do nothing, and keep the focus. */
  set isWaiting(value) {
    this.#isWaiting = value;
    this.node.setAttribute("aria-busy", String(value));
    for (const button of [this.#steer, this.#cancel, this.#yes, this.#no]) {
      button.setAttribute("aria-disabled", String(value));
    }
    if (!value) this.#close();
  }

  get #isPaused() {
    return this.#task.state === "paused";
  }

  get #verb() {
    return this.#isPaused ? "resume" : "pause";
  }

  #button(verb, onclick) {
    const shown = element("span", {}, text(`task.${verb}`));
    const symbol = verb === "yes" || verb === "no" ? null : icon(verb);
    return element("button", { type: "button", class: `button small ${verb}`, onclick }, symbol, shown);
  }

  #showVerb() {
    const verb = this.#verb;
    this.#steer.querySelector("use").setAttribute("href", `#icon-${verb}`);
    write(this.#steer.querySelector("span"), text(`task.${verb}`));
    this.#steer.setAttribute("aria-label", `${text(`task.${verb}`)}: ${this.#task.text}`);
    this.#cancel.setAttribute("aria-label", `${text("task.cancel")}: ${this.#task.text}`);
    this.#confirm.setAttribute("aria-label", `${text("cancelQuestion")} ${this.#task.text}`);
  }

  #do(verb) {
    if (!this.#isWaiting) this.#act(this.#task.number, verb);
  }

  #ask(isAsked) {
    if (this.#isWaiting) return;
    this.#actions.hidden = isAsked;
    this.#confirm.hidden = !isAsked;
    // The harmless answer: a second Enter must not be the end of the task.
    (isAsked ? this.#no : this.#cancel).focus();
  }

  /** Take the question away without an answer. */
  #close() {
    const hadFocus = this.#confirm.contains(document.activeElement);
    this.#confirm.hidden = true;
    this.#actions.hidden = false;
    if (hadFocus) this.#cancel.focus();
  }

  #pressed(event) {
    if (event.key !== "Escape") return;
    event.preventDefault(); // takes back the question and leaves the panel open
    this.#ask(false);
  }
}
