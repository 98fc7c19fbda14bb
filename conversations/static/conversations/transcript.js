// The list of messages on the page, redrawn at most once per frame, and only what changed.

import { beforePaint, byId, element } from "./dom.js";
import { outcomeNode } from "./foot.js";
import { MessageView } from "./message.js";
import { Scroll } from "./scroll.js";
import { language, text } from "./setup.js";
import { isAsked } from "./store.js";

const longDay = new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long", year: "numeric" });

function dayOf(createdAt) {
  return (createdAt ? new Date(createdAt) : new Date()).toDateString();
}

function dayLabel(day) {
  const now = new Date();
  if (day === now.toDateString()) return text("today");
  now.setDate(now.getDate() - 1);
  return day === now.toDateString() ? text("yesterday") : longDay.format(new Date(day));
}

export class Transcript {
  #store;
  #actions;
  #views = new Map();
  #days = new Map();
  #changed = new Set();
  #isScheduled = false;
  #isArranging = false;
  #hasNew = false;
  #isPrepending = false;
  #hasEarlier = false;
  #outcomes = new Map();
  #list = byId("messages");
  #earlier = byId("earlier");
  #typing = element("div", { class: "typing" }, element("span", { class: "visually-hidden" }, text("answering")));

  /** actions: those of a message, and `earlier()` to ask for what came before. */
  constructor(store, actions) {
    this.#store = store;
    this.#actions = actions;
    this.scroll = new Scroll(byId("transcript"), byId("column"), byId("jump"));
    this.#typing.append(element("i"), element("i"), element("i"));
    this.#earlier.querySelector("button").addEventListener("click", () => actions.earlier());
    // Reaching the top asks too; the margin makes it happen a little before.
    const options = { root: byId("transcript"), rootMargin: "300px 0px 0px" };
    new IntersectionObserver(([entry]) => entry.isIntersecting && actions.earlier(), options).observe(this.#earlier);
  }

  /** Show what changed before the next paint; without a message, everything may have changed. */
  changed(message, isNew = false) {
    if (message) this.#changed.add(message);
    if (!message || isNew || isAsked(message) || this.#typing.isConnected) this.#isArranging = true;
    this.#hasNew ||= isNew || message?.isStreaming;
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    beforePaint(() => this.#draw());
  }

  /** What is drawn next lies above what is read: keep the reader's place. */
  prepending(hasEarlier) {
    this.#isPrepending = !this.scroll.isAtEnd;
    this.#hasEarlier = hasEarlier;
  }

  set isEmpty(value) {
    byId("welcome").hidden = !value;
  }

  #draw() {
    this.#isScheduled = false;
    if (this.#isPrepending) this.scroll.keepPosition(() => this.#update());
    else this.#update();
    if (this.scroll.isAtEnd) this.scroll.toEnd();
    else if (this.#hasNew && !this.#isPrepending) this.scroll.announceNew();
    this.#isPrepending = this.#hasNew = false;
    // Shown last: seen at the top before the messages are there, it would ask for more at once.
    this.#earlier.hidden = !this.#hasEarlier;
  }

  #update() {
    for (const message of this.#changed) this.#views.get(message.key)?.update(message);
    this.#changed.clear();
    if (this.#isArranging) this.#arrange();
    this.#isArranging = false;
  }

  #arrange() {
    const messages = this.#store.inOrder();
    const nodes = [];
    let day = "";
    messages.forEach((message, index) => {
      const asked = this.#store.get(message.replyTo) ?? message;
      const newDay = dayOf(message.createdAt ?? asked.createdAt);
      if (newDay !== day) nodes.push(this.#dayNode((day = newDay)));
      nodes.push(this.#view(message).node);
      const isTurnOver = messages[index + 1]?.replyTo !== asked.id;
      if (isTurnOver) nodes.push(...this.#afterTurn(asked));
    });
    const keys = new Set(messages.map((message) => message.key));
    for (const known of [this.#views, this.#outcomes]) {
      for (const key of known.keys()) if (!keys.has(key)) known.delete(key);
    }
    this.#place(nodes);
  }

  /** What stands below a question and its reply: that one is being written, or why there is none. */
  #afterTurn(asked) {
    if (!isAsked(asked) || asked.isPending) return [];
    if (asked.state === "answering" && !this.#store.replyTo(asked.id)?.content) return [this.#typing];
    if (asked.state !== "failed" && asked.state !== "stopped") return [];
    const known = this.#outcomes.get(asked.key);
    if (known?.state === asked.state && known.detail === asked.detail) return [known.node];
    const node = outcomeNode(asked, this.#actions);
    this.#outcomes.set(asked.key, { state: asked.state, detail: asked.detail, node });
    return [node];
  }

  /** Make the list hold `nodes` in this order, touching only those out of place: focus stays. */
  #place(nodes) {
    const wanted = new Set(nodes);
    for (const child of [...this.#list.children]) if (!wanted.has(child)) child.remove();
    nodes.forEach((node, index) => {
      const current = this.#list.children[index] ?? null;
      if (current !== node) this.#list.insertBefore(node, current);
    });
  }

  #view(message) {
    let view = this.#views.get(message.key);
    if (!view) this.#views.set(message.key, (view = new MessageView(message, this.#actions)));
    return view;
  }

  #dayNode(day) {
    if (!this.#days.has(day)) this.#days.set(day, element("h2", { class: "day" }));
    const node = this.#days.get(day);
    node.textContent = dayLabel(day);
    return node;
  }
}
