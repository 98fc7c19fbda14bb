// Inside another site's page: who is here, and what the bubble there is told; messages to it alone.

import { setToken } from "./api.js";
import { embed } from "./setup.js";
import { browser } from "./storage.js";

// A page that gives no token by then has none: the frame's own storage may.
const HELLO_DEADLINE = 1_500;
const OPENED = "[data-embedded] dialog[open], :popover-open, #commands:not([hidden]), #stop:not([hidden])";

/** The page around this one; on the chat's own page it is nobody, and everything is as always. */
class Host {
  #token = null;
  #isOpen = true;
  #escapeIsFree = false;
  #greeted = () => {};
  #hello = new Promise((resolve) => (this.#greeted = resolve));

  constructor() {
    if (!this.#isFramed) return;
    this.#isOpen = false;
    addEventListener("message", (event) => this.#heard(event));
    addEventListener("keydown", (event) => (this.#escapeIsFree = !document.querySelector(OPENED)), true);
    document.addEventListener("keydown", (event) => this.#pressed(event));
    const close = document.getElementById("embed-close");
    close.hidden = false;
    close.addEventListener("click", () => this.close());
    // To everything on the page a closed bubble is a tab that nobody looks at.
    Object.defineProperty(document, "hidden", { get: () => !this.#isOpen || document.visibilityState !== "visible" });
    this.#tell("ready");
  }

  get isEmbedded() {
    return Boolean(embed);
  }

  /** Whether the page is to be seen; while it is not it must not take the focus. */
  get isOpen() {
    return this.#isOpen;
  }

  /** Resolves once it is known who is here. */
  async arrived() {
    if (!this.isEmbedded) return;
    if (this.#isFramed) {
      await Promise.race([this.#hello, new Promise((resolve) => setTimeout(resolve, HELLO_DEADLINE))]);
    }
    this.#token ??= browser.read("token", null);
    setToken(this.#token);
  }

  /** What the address of the socket must say beside what it says on the site's own page. */
  get query() {
    if (!this.isEmbedded) return {};
    return { embed: "1", language: embed.language, ...(this.#token && { token: this.#token }) };
  }

  /** Keep the token by which this visitor is known the next time: on the page, and here. */
  welcomed(token) {
    if (!this.isEmbedded || token === this.#token) return;
    this.#token = token;
    setToken(token);
    browser.write("token", token);
    this.#tell("token", { token });
  }

  unread(count) {
    this.#tell("unread", { count });
  }

  close() {
    this.#tell("close");
  }

  get #isFramed() {
    return Boolean(embed?.origin) && window.parent !== window;
  }

  #tell(kind, fields = {}) {
    // The server let the page of this origin alone hold the frame; the browser checks it again.
    if (this.#isFramed) window.parent.postMessage({ botflow: kind, ...fields }, embed.origin);
  }

  #heard({ source, origin, data }) {
    if (source !== window.parent || origin !== embed.origin) return;
    if (data?.botflow === "hello") {
      this.#token = typeof data.token === "string" ? data.token : null;
      const title = document.getElementById("brand-name");
      if (data.title && title) title.textContent = String(data.title);
      this.#greeted();
      this.#look(data.isOpen, data.focus);
    }
    if (data?.botflow === "open") this.#look(true, data.focus);
    if (data?.botflow === "closed") this.#look(false, false);
  }

  #look(isOpen, takesFocus) {
    this.#isOpen = isOpen;
    document.dispatchEvent(new Event("visibilitychange"));
    // On a phone the keyboard would cover half of what there is to read.
    const isTyped = matchMedia("(hover: hover)").matches;
    const field = isTyped && document.querySelector("#draft, #embed-sign-in");
    if (takesFocus) (field || document.getElementById("embed-close")).focus({ focusVisible: isTyped });
  }

  /** Esc closes the chat, unless it is of use to something in it: a menu, a dialog, an answer. */
  #pressed(event) {
    const isFree = this.#escapeIsFree && !event.defaultPrevented && !event.isComposing && event.keyCode !== 229;
    if (event.key === "Escape" && isFree) this.close();
  }
}

export const host = new Host();
