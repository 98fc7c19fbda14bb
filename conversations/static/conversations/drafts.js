// What is written and not sent, for each conversation: kept in the browser, the oldest dropped.

import { browser } from "./storage.js";

const PREFIX = "draft.";
const MOST = 50;
// Storage is not written at each letter.
const PAUSE = 300;

/** A conversation that has no id yet has its draft too. */
function keyOf(conversation) {
  return `${PREFIX}${conversation ?? "new"}`;
}

export class Drafts {
  #timer = 0;
  #waiting = null;

  constructor() {
    for (const name of ["pagehide", "blur"]) addEventListener(name, () => this.#flush());
    document.addEventListener("visibilitychange", () => this.#flush());
    this.#prune(MOST);
  }

  read(conversation) {
    this.#flush();
    return browser.read(keyOf(conversation), {}).content ?? "";
  }

  /** Keep `content` soon: at the latest when the page is left. */
  write(conversation, content) {
    if (this.#waiting && this.#waiting.conversation !== conversation) this.#flush();
    this.#waiting = { conversation, content };
    if (!content) this.#flush();
    else this.#timer ||= setTimeout(() => this.#flush(), PAUSE);
  }

  #flush() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (!this.#waiting) return;
    const { conversation, content } = this.#waiting;
    this.#waiting = null;
    const value = content ? { content, at: Date.now() } : null;
    // Full: what was not looked at for longest gives way.
    if (!browser.write(keyOf(conversation), value) && this.#prune(MOST / 2)) browser.write(keyOf(conversation), value);
    else if (content) this.#prune(MOST);
  }

  /** Drop the oldest beyond `most`; returns whether there were such. */
  #prune(most) {
    const keys = browser.keys(PREFIX);
    if (keys.length <= most) return false;
    const aged = keys.map((key) => [browser.read(key, {}).at ?? 0, key]).sort(([one], [other]) => other - one);
    for (const [, key] of aged.slice(most)) browser.write(key, null);
    return true;
  }
}
