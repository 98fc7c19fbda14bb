// What the page says about itself: the connection in words, problems, and a few words aloud.

import { byId, hide } from "./dom.js";
import { hasText, text } from "./setup.js";

// A connection that is back within this time was never worth a word.
const CALM = 1_000;
// How long it is told that the connection is back.
const BACK = 5_000;

export class ConnectionStatus {
  #notice = byId("connection-notice");
  #since = 0;
  #ticking = 0;
  #state = "connecting";
  #retryAt = 0;
  #hasBeenOpen = false;
  /** Whether the person was told that the connection was lost, and not yet that it is back. */
  #wasTold = false;
  #isBack = false;
  #backTimer = 0;

  constructor(reconnect) {
    byId("reconnect").addEventListener("click", reconnect);
    addEventListener("offline", () => this.#show());
    addEventListener("online", () => this.#show());
  }

  /** state: "connecting", "open" or "waiting" until `retryAt`. */
  set(state, retryAt = 0) {
    this.#state = state;
    this.#retryAt = retryAt;
    if (state === "open") this.#since = 0;
    else this.#since ||= Date.now();
    clearInterval(this.#ticking);
    if (state !== "open") this.#ticking = setInterval(() => this.#show(), 250);
    this.#show();
  }

  /** All that was missed meanwhile has come: say so, where its loss was told. */
  resumed() {
    if (!this.#wasTold || this.#state !== "open") return;
    this.#wasTold = false;
    this.#isBack = true;
    announce(text("back"));
    clearTimeout(this.#backTimer);
    this.#backTimer = setTimeout(() => this.#endBack(), BACK);
    this.#show();
  }

  /** Another conversation is shown: of it nothing was lost. */
  forget() {
    this.#wasTold = false;
    this.#endBack();
  }

  #endBack() {
    this.#isBack = false;
    this.#show();
  }

  #show() {
    const isOffline = !navigator.onLine && this.#state !== "open";
    const isLong = this.#since > 0 && Date.now() - this.#since >= CALM;
    if (this.#state === "open") this.#hasBeenOpen = true;
    const isOpen = this.#state === "open" || (this.#hasBeenOpen && !isLong && !isOffline);
    const shown = isOpen ? "connected" : isOffline ? "offlineShort" : this.#hasBeenOpen ? "lostShort" : "connecting";
    byId("connection").dataset.state = isOpen ? "open" : isOffline ? "offline" : "connecting";
    this.#write("connection-text", text(shown));
    const isLost = !isOpen && isLong;
    if (isLost) this.#isBack = false;
    this.#wasTold ||= isLost && this.#hasBeenOpen;
    if (isLost || this.#isBack) this.#notice.hidden = false;
    else hide(this.#notice);
    this.#notice.classList.toggle("back", this.#isBack);
    if (this.#isBack) hide(byId("reconnect"));
    else byId("reconnect").hidden = false;
    if (this.#notice.hidden) return;
    this.#write("connection-notice-text", this.#isBack ? text("back") : this.#sentence(isOffline));
  }

  #sentence(isOffline) {
    if (isOffline) return text("offline");
    const seconds = Math.ceil((this.#retryAt - Date.now()) / 1000);
    return this.#state === "waiting" && seconds > 0 ? text("reconnectingIn", { seconds }) : text("reconnecting");
  }

  #write(id, words) {
    const node = byId(id);
    if (node.textContent !== words) node.textContent = words;
  }
}

/** A sentence about an `error` frame: ours where the code is known, so that it is the reader's language. */
export function errorSentence(code, detail) {
  const name = `error.${code}`;
  return hasText(name) ? text(name) : detail || text("error.other");
}

export class Problem {
  constructor() {
    byId("dismiss").addEventListener("click", () => this.clear());
  }

  show(sentence) {
    byId("problem").hidden = false;
    byId("problem-text").textContent = sentence;
  }

  clear() {
    hide(byId("problem"));
  }
}

/** Have a screen reader say `words`, behind what it is saying. */
export function announce(words) {
  byId("announcer").textContent = words;
}

/** Words for a screen reader: that an answer begins, ends or fails, never its letters one by one. */
export class Announcer {
  #wasBusy = false;

  update(isBusy, hasFailed) {
    if (isBusy !== this.#wasBusy) this.say(isBusy ? "sayAnswering" : hasFailed ? "sayFailed" : "sayDone");
    this.#wasBusy = isBusy;
  }

  say(name) {
    announce(text(name));
  }
}
