// The menu of the header: light or dark, the language, the shortcuts, signing in and out.
// A script of its own, which runs before main.js reads what is stored.

import { byId } from "./dom.js";
import { settleIn } from "./person.js";
import { csrfCookie } from "./setup.js";
import { browser } from "./storage.js";

class Menu {
  #panel = byId("menu");
  #button = byId("menu-open");

  constructor() {
    if (!this.#panel) return; // the embedded page has none
    this.#button.addEventListener("click", () => this.#open());
    this.#panel.addEventListener("close", () => this.#button.removeAttribute("aria-expanded"));
    // Captured: it is closed, and has given the focus back, before what it leads to opens.
    this.#panel.addEventListener("click", (event) => this.#clicked(event), { capture: true });
    for (const radio of this.#themes) radio.addEventListener("change", () => this.#choose(radio.value));
    for (const form of this.#panel.querySelectorAll("form")) {
      form.addEventListener("submit", () => this.#prepare(form));
    }
    byId("shortcuts-open").hidden = !byId("shortcuts");
    const signIn = byId("sign-in");
    signIn?.addEventListener("click", () => (signIn.search = new URLSearchParams({ next: here() })));
  }

  get #themes() {
    return this.#panel.querySelectorAll("input[name=theme]");
  }

  #open() {
    // Another tab may have chosen meanwhile.
    const theme = browser.read("theme", "auto");
    for (const radio of this.#themes) radio.checked = radio.value === theme;
    this.#panel.showModal();
    this.#button.setAttribute("aria-expanded", "true");
  }

  #clicked({ target, clientX, clientY }) {
    const box = this.#panel.getBoundingClientRect();
    const isInside = clientX >= box.left && clientX <= box.right && clientY >= box.top && clientY <= box.bottom;
    // Keys click without a place of their own, within the panel.
    const isOutside = target === this.#panel && !isInside;
    if (isOutside || target.closest("#shortcuts-open")) this.#panel.close();
  }

  #choose(theme) {
    browser.write("theme", theme === "auto" ? null : theme);
    document.dispatchEvent(new CustomEvent("botflow:theme", { detail: theme }));
  }

  /** The token in the page is an old one after a sign-in in another tab; the cookie has the new one. */
  #prepare(form) {
    const cookie = document.cookie.split("; ").find((one) => one.startsWith(`${csrfCookie}=`));
    if (cookie) form.elements.csrfmiddlewaretoken.value = cookie.slice(csrfCookie.length + 1);
    // The address may be another one by now: that of another conversation.
    if (form.elements.next) form.elements.next.value = here();
  }
}

function here() {
  return location.pathname + location.search;
}

settleIn();
new Menu();
