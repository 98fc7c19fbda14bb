// The conversations in the side bar: grouped by day, redrawn in place so that the focus stays.

import { element, icon } from "./dom.js";
import { pathOf } from "./place.js";
import { language, text } from "./setup.js";
import { full } from "./times.js";

const DAY = 86_400_000;
const month = new Intl.DateTimeFormat(language, { month: "long", year: "numeric" });

/** What a conversation is called, also while nothing was said in it. */
export function titleOf(row) {
  return row?.title || text("untitled");
}

function groupOf(updatedAt, now) {
  const days = Math.round((new Date(now).setHours(0, 0, 0, 0) - new Date(updatedAt).setHours(0, 0, 0, 0)) / DAY);
  if (days <= 0) return text("today");
  if (days === 1) return text("yesterday");
  return days < 7 ? text("lastWeek") : month.format(new Date(updatedAt));
}

/** Make `parent` hold `nodes` in this order, touching only those out of place. */
function place(parent, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  let next = parent.firstElementChild;
  for (const node of nodes) {
    if (node === next) next = next.nextElementSibling;
    else parent.insertBefore(node, next);
  }
}

class Row {
  #name = element("span", { class: "conversation-title", dir: "auto" });
  #state = element("span", { class: "conversation-state" });
  #more;

  constructor(id, actions) {
    this.link = element("a", { class: "conversation-link", href: pathOf(id) }, this.#name, this.#state);
    this.link.addEventListener("click", (event) => {
      // A new tab or window is the browser's own business.
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      actions.open(id);
    });
    this.#name.id = `title-${id}`;
    this.#more = element("button", { type: "button", class: "conversation-more", "aria-haspopup": "menu" }, icon("more"));
    this.#more.setAttribute("aria-label", text("conversationActions"));
    this.#more.setAttribute("aria-describedby", this.#name.id);
    this.#more.addEventListener("click", () => actions.menu(id, this.#more));
    this.node = element("li", { class: "conversation" }, this.link, this.#more);
  }

  update(row, isCurrent) {
    const title = titleOf(row);
    this.#name.textContent = title;
    this.link.title = `${title}\n${full.format(new Date(row.updated_at))}`;
    // There is nothing to do with one that is empty.
    this.#more.hidden = !row.seq && !row.title;
    if (isCurrent) this.link.setAttribute("aria-current", "page");
    else this.link.removeAttribute("aria-current");
    const state = row.answering ? "answering" : row.unread && !isCurrent ? "unread" : "";
    if (this.#state.dataset.state === state) return;
    this.#state.dataset.state = state;
    this.#state.replaceChildren(...(state ? [element("span", { class: "visually-hidden" }, text(state))] : []));
  }
}

export class ConversationList {
  #box;
  #actions;
  #rows = new Map();
  #groups = new Map();

  /** actions: `open(id)`; `menu(id, button)`. */
  constructor(box, actions) {
    this.#box = box;
    this.#actions = actions;
  }

  /** Show `rows`, the latest first; `current` is the id of the one that is open. */
  show(rows, current, now = new Date()) {
    const groups = new Map();
    for (const row of rows) {
      const name = groupOf(row.updated_at, now);
      if (!groups.has(name)) groups.set(name, []);
      groups.get(name).push(this.#row(row, row.id === current).node);
    }
    place(this.#box, [...groups.keys()].map((name) => this.#group(name).node));
    for (const [name, nodes] of groups) place(this.#group(name).list, nodes);
    const ids = new Set(rows.map((row) => row.id));
    for (const id of this.#rows.keys()) if (!ids.has(id)) this.#rows.delete(id);
    for (const name of this.#groups.keys()) if (!groups.has(name)) this.#groups.delete(name);
  }

  find(id) {
    return this.#rows.get(id);
  }

  #row(row, isCurrent) {
    if (!this.#rows.has(row.id)) this.#rows.set(row.id, new Row(row.id, this.#actions));
    const view = this.#rows.get(row.id);
    view.update(row, isCurrent);
    return view;
  }

  #group(name) {
    if (!this.#groups.has(name)) {
      const list = element("ul", { class: "conversations" });
      const node = element("section", { class: "conversation-group" }, element("h3", {}, name), list);
      this.#groups.set(name, { node, list });
    }
    return this.#groups.get(name);
  }
}
