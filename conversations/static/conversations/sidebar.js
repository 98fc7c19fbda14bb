// The side bar: the person's conversations beside the one that is open, in a drawer on small screens.

import { api } from "./api.js";
import { ConversationList } from "./conversation_list.js";
import { ConversationMenu } from "./conversation_menu.js";
import { byId } from "./dom.js";
import { Search } from "./search.js";
import { browser } from "./storage.js";

// Until what was just said is in the list: the server stores it first.
const SOON = 600;

export class Sidebar {
  #bar = byId("sidebar");
  #drawer = byId("drawer");
  #toggle = byId("sidebar-open");
  #isWide = matchMedia("(min-width: 60rem)");
  #rows = new Map();
  #before = null;
  #current = null;
  #timer = 0;
  #actions;
  #list;
  #menu;
  #search;

  /** actions: `open(id, message)`, null for the latest; `failed(error)`; `titled(title)`. */
  constructor(actions) {
    this.#actions = actions;
    if (!this.#bar) return; // inside another site's page there is no room for one
    const menu = (id, button) => this.#menu.open(this.#rows.get(id), button);
    this.#list = new ConversationList(byId("conversation-groups"), { open: (id) => this.#go(id), menu });
    this.#menu = new ConversationMenu({
      renamed: (id, title) => this.renamed({ id, title }),
      deleted: (id) => this.#deleted(id),
      failed: (error) => actions.failed(error),
      view: (id) => this.#list.find(id),
    });
    this.#search = new Search({
      open: (conversation, message) => this.#go(conversation, message),
      searching: (isSearching) => (this.#bar.dataset.searching = isSearching),
    });
    this.#listen();
    this.#layOut();
    this.refresh();
  }

  /** The conversation that is open; the server has named it. */
  set current(id) {
    const left = this.#rows.get(this.#current);
    if (left && id !== this.#current) left.unread = false;
    this.#current = id;
    this.#draw();
  }

  /** Look at the list again, a little later: something was said. */
  refreshSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.refresh(), SOON);
  }

  async refresh() {
    if (!this.#bar) return;
    try {
      const page = await api("api/conversations");
      this.#take(page.conversations, page.before);
    } catch {
      // What is shown stays; the next look may go better.
    }
  }

  renamed({ id, title }) {
    const row = this.#rows.get(id);
    if (row) row.title = title;
    this.#draw();
  }

  // -- what is listed ------------------------------------------------------------------------------

  #take(rows, before) {
    const oldest = rows.at(-1)?.updated_at ?? "";
    // Of what the first page reaches back to, what is not on it is gone.
    const kept = [...this.#rows.values()].filter((row) => before && row.updated_at < oldest);
    this.#before = kept.length ? this.#before : before;
    this.#rows = new Map([...kept, ...rows].map((row) => [row.id, row]));
    this.#draw();
  }

  async #older() {
    try {
      const page = await api(`api/conversations?${new URLSearchParams({ before: this.#before })}`);
      for (const row of page.conversations) this.#rows.set(row.id, row);
      this.#before = page.before;
      this.#draw();
    } catch (error) {
      this.#actions.failed(error);
    }
  }

  #draw() {
    if (!this.#bar) return;
    const rows = [...this.#rows.values()];
    const current = this.#rows.get(this.#current);
    // An empty one is in the list only while it is open.
    if (!current && this.#current) rows.push({ id: this.#current, title: "", updated_at: new Date().toISOString() });
    rows.sort((one, other) => other.updated_at.localeCompare(one.updated_at));
    this.#list.show(rows, this.#current);
    byId("conversations-more").hidden = !this.#before;
    this.#toggle.dataset.unread = rows.some((row) => row.unread && row.id !== this.#current);
    this.#actions.titled(current?.title ?? "");
  }

  #deleted(id) {
    this.#rows.delete(id);
    if (id === this.#current) this.#actions.open(null);
    else this.#draw();
    // Behind the drawer nothing takes it.
    (this.#drawer.open ? byId("sidebar-title") : this.#toggle).focus();
  }

  async #begin() {
    try {
      const { id } = await api("api/conversations", { method: "POST" });
      this.#go(id);
    } catch (error) {
      this.#closeDrawer();
      this.#actions.failed(error);
    }
  }

  #go(id, message = null) {
    this.#closeDrawer();
    this.#actions.open(id, message);
  }

  // -- where it stands -----------------------------------------------------------------------------

  #listen() {
    byId("conversation-new").addEventListener("click", () => this.#begin());
    byId("conversations-more").addEventListener("click", () => this.#older());
    byId("sidebar-close").addEventListener("click", () => this.#closeDrawer());
    this.#toggle.addEventListener("click", () => this.#toggled());
    this.#isWide.addEventListener("change", () => this.#layOut());
    this.#drawer.addEventListener("close", () => this.#toggle.setAttribute("aria-expanded", "false"));
    this.#drawer.addEventListener("click", ({ target }) => target === this.#drawer && this.#drawer.close());
    addEventListener("focus", () => this.refresh());
    addEventListener("keydown", (event) => this.#pressed(event));
  }

  #layOut() {
    const isHidden = browser.read("sidebar", "shown") === "hidden";
    if (this.#isWide.matches) {
      this.#drawer.close();
      this.#drawer.before(this.#bar);
    } else {
      this.#drawer.append(this.#bar);
    }
    this.#bar.hidden = this.#isWide.matches && isHidden;
    this.#toggle.setAttribute("aria-expanded", String(this.#isWide.matches && !isHidden));
  }

  #toggled() {
    if (!this.#isWide.matches) return this.#openDrawer();
    browser.write("sidebar", this.#bar.hidden ? null : "hidden");
    return this.#layOut();
  }

  #openDrawer() {
    this.refresh();
    this.#drawer.showModal();
    this.#toggle.setAttribute("aria-expanded", "true");
    byId("sidebar-title").focus();
  }

  #closeDrawer() {
    if (this.#drawer.open) this.#drawer.close();
  }

  #pressed(event) {
    if (event.isComposing || !(event.ctrlKey || event.metaKey) || event.altKey) return;
    const isNew = event.shiftKey && event.code === "KeyO";
    const isSearch = !event.shiftKey && event.code === "KeyK";
    if (!isNew && !isSearch) return;
    event.preventDefault();
    if (isNew) this.#begin();
    else this.#searchFor();
  }

  #searchFor() {
    if (!this.#isWide.matches && !this.#drawer.open) this.#openDrawer();
    else if (this.#bar.hidden) this.#toggled();
    this.#search.focus();
  }
}
