// The panel of one's own tasks: shows what the server says they are, asks it to change them.

import { byId } from "./dom.js";
import { text } from "./setup.js";
import { errorSentence } from "./status.js";
import { TaskView } from "./task.js";

const ANSWER_DEADLINE = 10_000;
// A time that is over should have been followed by a frame with the next one: it may be lost.
const OVERDUE = 2_000;
const ASK_EVERY = 5_000;
const MOST_COUNTED = 99;

const IS_DONE = {
  pause: (task) => task?.state === "paused",
  resume: (task) => task?.state === "enabled",
  cancel: (task, before) => task?.text !== before.text,
};

function sentenceOf(code, detail) {
  if (code === "not_found") return text("taskGone");
  // Here it is the definition of a task that makes no sense, not the frame.
  return (code === "bad_frame" && detail) || errorSentence(code, detail);
}

export class Tasks {
  #send;
  /** What the server said last; null while it has said nothing. */
  #tasks = null;
  #seq = 0;
  #views = new Map();
  /** What was asked for and is not seen in a frame: number → {verb, before, timer}. */
  #pending = new Map();
  #isAsking = false;
  #askedAt = 0;
  #ticking = 0;
  #panel = byId("tasks");
  #button = byId("tasks-open");
  #list = byId("tasks-list");

  /** `send(frame)` returns false when there is no connection. */
  constructor(send) {
    this.#send = send;
    this.#button.addEventListener("click", () => this.#open());
    byId("tasks-close").addEventListener("click", () => this.close());
    this.#panel.addEventListener("close", () => clearInterval(this.#ticking));
    this.#panel.addEventListener("click", (event) => this.#clicked(event));
  }

  ask() {
    this.#askedAt = Date.now();
    this.#isAsking = this.#send({ type: "tasks" });
    if (this.#isAsking) this.#complain("");
    return this.#isAsking;
  }

  close() {
    this.#panel.close();
  }

  /** Take a `tasks` frame. */
  received({ tasks, seq }) {
    this.#isAsking = false;
    if (seq < this.#seq) return; // of two that crossed, the older
    this.#seq = seq;
    this.#tasks = tasks;
    this.#settle();
    this.#draw();
  }

  /** Take an `error` frame; false when nothing was asked that it could be about. */
  failed({ code, detail }) {
    if (!this.#isAsking && !this.#pending.size) return false;
    this.#isAsking = false;
    if (code === "not_found") this.ask(); // what the page shows is out of date
    this.#giveUp(sentenceOf(code, detail));
    return true;
  }

  disconnected() {
    this.#isAsking = false;
    this.#seq = 0; // a server that was restored from a backup counts anew
    if (this.#pending.size) this.#giveUp(text("error.not_connected"));
  }

  /** Another conversation has other tasks. */
  forget() {
    this.#tasks = null;
    this.#giveUp("");
    this.#draw();
  }

  /** Ask again when an answer, or the news that a task has fired, was lost on the way. */
  beat(now = Date.now()) {
    if (now - this.#askedAt < ASK_EVERY) return;
    const isOver = (task) => task.state === "enabled" && task.next_at && now - Date.parse(task.next_at) > OVERDUE;
    if (this.#tasks === null || this.#tasks.some(isOver)) this.ask();
  }

  // -- the panel -----------------------------------------------------------------------------------

  #open() {
    this.#giveUp("");
    this.#say("");
    if (!this.ask()) this.#complain(text("error.not_connected"));
    // Where the focus returns to: a click does not give it to a button in every browser.
    this.#button.focus();
    this.#panel.showModal();
    this.#ticking = setInterval(() => this.#tick(), 1_000);
    this.#draw();
    byId("tasks-title").focus();
  }

  /** A click beside the panel, which is on its backdrop, closes it. */
  #clicked({ target, clientX, clientY }) {
    if (target !== this.#panel) return;
    const { left, right, top, bottom } = this.#panel.getBoundingClientRect();
    const isInside = clientX >= left && clientX <= right && clientY >= top && clientY <= bottom;
    if (!isInside) this.close();
  }

  #tick() {
    const now = new Date();
    for (const view of this.#views.values()) view.tick(now);
    this.beat();
  }

  #draw() {
    const count = this.#tasks?.length ?? 0;
    this.#showCount(count);
    byId("tasks-waiting").hidden = this.#tasks !== null || !byId("tasks-problem").hidden;
    byId("tasks-none").hidden = this.#tasks === null || count > 0;
    byId("tasks-more").hidden = this.#list.hidden = count === 0;
    const focused = this.#list.contains(document.activeElement) ? document.activeElement : null;
    const numbers = new Set(this.#tasks?.map((task) => task.number));
    for (const [number, view] of this.#views) {
      if (numbers.has(number)) continue;
      view.node.remove();
      this.#views.delete(number);
    }
    this.#tasks?.forEach((task, index) => this.#place(task, index));
    // A task that moves up in the list loses the focus, one that is over takes it away.
    if (focused?.isConnected) focused.focus({ preventScroll: true });
    else if (focused) byId("tasks-title").focus();
  }

  #place(task, index) {
    let view = this.#views.get(task.number);
    if (view) view.update(task);
    else this.#views.set(task.number, (view = new TaskView(task, (number, verb) => this.#act(number, verb))));
    const current = this.#list.children[index] ?? null;
    if (current !== view.node) this.#list.insertBefore(view.node, current);
  }

  #showCount(count) {
    const badge = byId("tasks-count");
    badge.hidden = count === 0;
    badge.textContent = count > MOST_COUNTED ? `${MOST_COUNTED}+` : count || "";
    const label = count ? text("tasksCounted", { count }) : text("tasks");
    this.#button.setAttribute("aria-label", label);
    this.#button.title = label;
  }

  // -- what is asked for ---------------------------------------------------------------------------

  #act(number, verb) {
    this.#complain("");
    if (!this.#send({ type: "task", number, do: verb })) {
      this.#complain(text("error.not_connected"));
      return;
    }
    const before = this.#tasks.find((task) => task.number === number);
    const timer = setTimeout(() => this.#giveUp(text("error.other")), ANSWER_DEADLINE);
    this.#pending.set(number, { verb, before, timer });
    this.#views.get(number).isWaiting = true;
  }

  /** End the waiting of what the tasks show as done; a frame may also come for another reason. */
  #settle() {
    for (const [number, { verb, before, timer }] of this.#pending) {
      const task = this.#tasks.find((each) => each.number === number);
      if (!IS_DONE[verb](task, before)) continue;
      this.#forgetPending(number, timer);
      this.#say(text(`done.${verb}`, before));
    }
  }

  #giveUp(sentence) {
    for (const [number, { timer }] of this.#pending) this.#forgetPending(number, timer);
    this.#complain(sentence);
  }

  #forgetPending(number, timer) {
    clearTimeout(timer);
    this.#pending.delete(number);
    const view = this.#views.get(number);
    if (view) view.isWaiting = false;
  }

  #complain(sentence) {
    byId("tasks-problem").hidden = !sentence;
    byId("tasks-problem").textContent = sentence;
  }

  #say(words) {
    byId("tasks-status").textContent = words;
  }
}
