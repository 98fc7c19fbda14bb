// Searching what was said: hits in place of the list of conversations, while something is searched.

import { api } from "./api.js";
import { titleOf } from "./conversation_list.js";
import { byId, element } from "./dom.js";
import { pathOf } from "./place.js";
import { text } from "./setup.js";
import { full, momentWords } from "./times.js";

const PAUSE = 200;

export class Search {
  #field = byId("search");
  #hits = byId("search-hits");
  #more = byId("search-more");
  #status = byId("search-status");
  #timer = 0;
  #asked = null;
  #before = null;
  #actions;

  /** actions: `open(conversation, message)`; `searching(isSearching)` while there is something. */
  constructor(actions) {
    this.#actions = actions;
    this.#field.addEventListener("input", (event) => event.isComposing || this.#changed());
    this.#field.addEventListener("compositionend", () => this.#changed());
    this.#field.addEventListener("keydown", (event) => this.#pressed(event));
    this.#field.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#ask();
    });
    this.#more.addEventListener("click", () => this.#ask(this.#before));
  }

  focus() {
    this.#field.focus();
    this.#field.select();
  }

  #pressed(event) {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Escape" && this.#field.value) {
      event.preventDefault();
      this.#field.value = "";
      this.#changed();
    }
  }

  #changed() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), this.#field.value.trim() ? PAUSE : 0);
  }

  async #ask(before = null) {
    clearTimeout(this.#timer);
    this.#asked?.abort();
    const words = this.#field.value.trim();
    this.#actions.searching(words !== "");
    if (!words) return this.#show([], "", null);
    const asked = (this.#asked = new AbortController());
    const query = new URLSearchParams({ q: words, ...(before && { before }) });
    try {
      const found = await api(`api/search?${query}`, { signal: asked.signal });
      const earlier = before ? [...this.#hits.children] : [];
      const hits = [...earlier, ...found.hits.map((hit) => this.#hit(hit))];
      const counted = found.more ? "foundMany" : hits.length === 1 ? "foundOne" : "found";
      this.#show(hits, text(hits.length ? counted : "foundNone", { count: hits.length }), found.before);
    } catch (error) {
      if (error.name !== "AbortError") this.#show([], error.message, null);
    }
    return undefined;
  }

  #show(hits, words, before) {
    this.#before = before;
    this.#hits.replaceChildren(...hits);
    this.#more.hidden = !before;
    this.#status.textContent = words;
  }

  #hit({ conversation, title, message, snippet, created_at: createdAt }) {
    const moment = new Date(createdAt);
    const time = element("time", { datetime: createdAt, title: full.format(moment) }, momentWords(moment, new Date()));
    const pieces = snippet.map(([piece, isHit]) => (isHit ? element("mark", {}, piece) : piece));
    const head = element("span", { class: "hit-head" }, element("strong", { dir: "auto" }, titleOf({ title })), time);
    const body = element("span", { class: "hit-text", dir: "auto" }, ...pieces);
    const link = element("a", { class: "hit", href: pathOf(conversation) }, head, body);
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      this.#actions.open(conversation, message);
    });
    return element("li", {}, link);
  }
}
