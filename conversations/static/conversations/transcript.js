// The list of messages on the page, redrawn at most once per frame, and only what changed.

import { Days, dayOf } from "./days.js";
import { beforePaint, byId, element } from "./dom.js";
import { outcomeNode } from "./foot.js";
import { MessageView } from "./message.js";
import { Scroll } from "./scroll.js";
import { text } from "./setup.js";
import { Slices } from "./slices.js";
import { isAsked } from "./store.js";
import { Stretches } from "./stretches.js";
import { Unread } from "./unread.js";

// Earlier messages are asked for this long before the reader comes to the top, in px.
const AHEAD = 1_000;
// A page that stays open for days keeps this many of the latest messages, once it has twice as many.
const KEPT = 200;
const FLASH = 2_000;

export class Transcript {
  #store;
  #actions;
  #views = new Map();
  #days = new Days();
  #changed = new Set();
  #isScheduled = false;
  #isArranging = false;
  #hasNew = false;
  #isPrepending = false;
  #isHistory = false;
  #outcomes = new Map();
  #chosen = null;
  #stretches;
  #slices;
  #earlier = byId("earlier");
  #jump = byId("jump");
  #newLine = element("p", { class: "new-line" }, element("span", {}, text("newHere")));
  #typing = element("div", { class: "typing" }, element("span", { class: "visually-hidden" }, text("answering")));
  #topObserver;

  /** Whether there are messages before the first one shown. */
  hasEarlier = false;

  /**
   * actions: those of a message, `earlier()` to ask for what came before, `read(seq)` to say what
   * was seen (false when that cannot be sent), `unread(count)` for badges elsewhere.
   */
  constructor(store, actions) {
    this.#store = store;
    this.#actions = actions;
    const moved = () => this.#moved();
    this.scroll = new Scroll(byId("transcript"), byId("column"), { moved, resized: () => this.#stretches.resized() });
    this.#stretches = new Stretches(byId("messages"), (change) => this.scroll.keepPosition(change));
    const keepAround = (...work) => this.scroll.keepAround(...work);
    this.#slices = new Slices(keepAround, () => this.#stretches.settleSoon());
    this.unread = new Unread((seq) => actions.read?.(seq), (count) => actions.unread?.(count));
    this.#typing.append(element("i"), element("i"), element("i"));
    this.#earlier.querySelector("button").addEventListener("click", () => actions.earlier());
    this.#jump.addEventListener("click", () => this.toEnd());
    document.addEventListener("visibilitychange", () => this.#countNew());
    const options = { root: byId("transcript"), rootMargin: `${AHEAD}px 0px 0px` };
    const atTop = (entries) => entries.at(-1).isIntersecting && actions.earlier();
    this.#topObserver = new IntersectionObserver(atTop, options);
    this.#topObserver.observe(this.#earlier);
  }

  /** Another conversation is shown from now on, of which `mark` is the last `seq` that was read. */
  opened(mark) {
    this.unread.opened(mark);
  }

  /** The conversation is left, while there is still a socket to say how far it was read. */
  closed() {
    this.#slices.clear();
    this.unread.closed();
  }

  /** Show what changed before the next paint; without a message, everything may have changed. */
  changed(message, isNew = false) {
    if (message) this.#changed.add(message);
    if (isNew && message.isPending) this.unread.forgetLine();
    if (!message || isNew || isAsked(message) || this.#typing.isConnected) this.#isArranging = true;
    this.#hasNew ||= isNew || message?.isStreaming || false;
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    beforePaint(() => this.#draw());
  }

  /** What is drawn next is history, above what is read: keep the reader's place. */
  prepending(hasEarlier) {
    this.#isHistory = true;
    this.#isPrepending = !this.scroll.isAtEnd;
    this.hasEarlier = hasEarlier;
    this.unread.historyCame();
  }

  set isEmpty(value) {
    byId("welcome").hidden = !value;
  }

  toEnd() {
    this.scroll.toEnd();
    this.#countNew();
  }

  /** Bring the message of that `id` into view and point at it; false while it is not on the page. */
  reveal(id) {
    if (this.#isScheduled) this.#draw();
    const node = this.#views.get(this.#store.get(id)?.key)?.node;
    if (!node?.isConnected || node.hidden) return false;
    this.scroll.show(node);
    node.classList.add("found");
    setTimeout(() => node.classList.remove("found"), FLASH);
    node.tabIndex = -1;
    node.focus({ preventScroll: true });
    return true;
  }

  /** Open the message of that `id` for changing; false while it is not on the page. */
  edit(id) {
    const view = this.#views.get(this.#store.get(id)?.key);
    if (!view?.node.isConnected) return false;
    view.edit();
    return true;
  }

  /** Put the focus on the versions of the message of that `id` once it is shown. */
  chosen(id, step) {
    this.#chosen = { id, step };
  }

  #draw() {
    this.#isScheduled = false;
    if (this.#isPrepending) this.scroll.keepPosition(() => this.#update());
    else this.#update();
    if (this.scroll.isAtEnd) this.scroll.toEnd();
    const isTrimmable = this.#hasNew && !this.#isHistory && this.scroll.isAtEnd;
    if (isTrimmable && this.#views.size > 2 * KEPT) this.hasEarlier = this.#store.keepLatest(KEPT) || this.hasEarlier;
    // Shown last: seen at the top before the messages are there, it would ask for more at once.
    this.#earlier.hidden = !this.hasEarlier;
    if (this.#isHistory) this.#lookAtTop();
    this.#isPrepending = this.#isHistory = this.#hasNew = false;
    this.#showJump();
  }

  #update() {
    for (const message of this.#changed) this.#views.get(message.key)?.update(message);
    this.#changed.clear();
    this.unread.update(this.#store.inOrder(), this.#store.seq, this.#isSeen);
    const hasLine = this.#newLine.isConnected;
    if (this.#isArranging || hasLine !== (this.unread.firstNew !== null)) this.#arrange();
    this.#isArranging = false;
    this.#slices.take();
  }

  get #isSeen() {
    return this.scroll.isAtEnd && !document.hidden;
  }

  #moved() {
    if (this.unread.count && this.#isSeen) this.#countNew();
    this.#showJump();
  }

  #countNew() {
    this.unread.update(this.#store.inOrder(), this.#store.seq, this.#isSeen);
    this.#showJump();
  }

  #showJump() {
    const { count } = this.unread;
    this.#jump.hidden = this.scroll.isAtEnd || (!count && !this.scroll.isFar && !this.#store.isBusy);
    if (this.#jump.hidden) return;
    const words = count ? text(count === 1 ? "newOne" : "newMany", { count }) : text("toLatest");
    const label = this.#jump.querySelector("span");
    label.classList.toggle("visually-hidden", !count);
    this.#jump.classList.toggle("round-only", !count);
    if (label.textContent !== words) label.textContent = words;
  }

  /** Ask for more when the top is still near: an observer tells only of a change. */
  #lookAtTop() {
    this.#topObserver.unobserve(this.#earlier);
    this.#topObserver.observe(this.#earlier);
  }

  #arrange() {
    const messages = this.#store.inOrder();
    const nodes = [];
    const days = new Set();
    const keys = new Set();
    let latest = -Infinity;
    messages.forEach((message, index) => {
      const asked = this.#store.get(message.replyTo) ?? message;
      const view = this.#view(message, asked);
      // A late reply stands in its question's place: no way back to an earlier day behind it.
      if (view.day > latest) nodes.push(this.#days.heading((latest = view.day)));
      if (message.key === this.unread.firstNew) nodes.push(this.#newLine);
      nodes.push(view.node);
      days.add(latest);
      keys.add(message.key);
      const isTurnOver = messages[index + 1]?.replyTo !== asked.id;
      if (isTurnOver) nodes.push(...this.#afterTurn(asked));
    });
    if (!keys.has(this.unread.firstNew)) this.unread.forgetLine();
    this.#days.keep(days);
    for (const known of [this.#views, this.#outcomes]) {
      for (const key of known.keys()) if (!keys.has(key)) known.delete(key);
    }
    this.#stretches.place(nodes);
    if (this.#chosen && keys.has(this.#store.get(this.#chosen.id)?.key)) {
      this.#views.get(this.#store.get(this.#chosen.id).key).focusVersions(this.#chosen.step);
      this.#chosen = null;
    }
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

  #view(message, asked) {
    let view = this.#views.get(message.key);
    if (!view) this.#views.set(message.key, (view = new MessageView(message, this.#actions, this.#slices)));
    const createdAt = message.createdAt ?? asked.createdAt;
    if (view.createdAt !== createdAt || !view.day) Object.assign(view, { createdAt, day: dayOf(createdAt) });
    return view;
  }
}
