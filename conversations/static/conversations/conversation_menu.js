// What can be done with a conversation of the list: name it, take it along as a file, delete it.

import { addressOf, api, ApiError, withToken } from "./api.js";
import { byId, element } from "./dom.js";
import { titleOf } from "./conversation_list.js";
import { text } from "./setup.js";

const LONGEST_TITLE = 200;
const GAP = 4;

export class ConversationMenu {
  #menu = byId("conversation-menu");
  #dialog = byId("conversation-delete");
  #actions;
  #row = null;
  #button = null;

  /** actions: `renamed(id, title)`, `deleted(id)`, `failed(error)`, `view(id)` the row on the page. */
  constructor(actions) {
    this.#actions = actions;
    this.#menu.addEventListener("click", (event) => this.#chosen(event.target.closest("[data-do]")?.dataset.do));
    this.#menu.addEventListener("keydown", (event) => this.#pressed(event));
    this.#dialog.addEventListener("close", () => this.#dialog.returnValue === "delete" && this.#delete());
  }

  get #items() {
    return [...this.#menu.querySelectorAll("[role=menuitem]")];
  }

  open(row, button) {
    this.#row = row;
    this.#button = button;
    for (const link of this.#menu.querySelectorAll("[data-format]")) {
      const path = `api/conversations/${row.id}/export?format=${link.dataset.format}`;
      link.href = withToken(addressOf(path));
    }
    this.#menu.showPopover();
    this.#place(button.getBoundingClientRect());
    this.#items[0].focus();
  }

  #place(at) {
    const { width, height } = this.#menu.getBoundingClientRect();
    const below = at.bottom + GAP + height < innerHeight;
    this.#menu.style.top = `${Math.max(GAP, below ? at.bottom + GAP : at.top - GAP - height)}px`;
    this.#menu.style.left = `${Math.max(GAP, Math.min(at.right - width, innerWidth - width - GAP))}px`;
  }

  #pressed(event) {
    const items = this.#items;
    const index = items.indexOf(document.activeElement);
    const next = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: items.length - 1 }[event.key];
    if (next !== undefined) items.at(next % items.length).focus();
    else if (event.key === "Escape" || event.key === "Tab") this.#close();
    else return;
    event.preventDefault();
  }

  #close() {
    this.#menu.hidePopover();
    this.#button?.focus();
  }

  #chosen(what) {
    if (!what) return;
    this.#close();
    if (what === "rename") this.#rename();
    if (what === "share") this.#share();
    if (what !== "delete") return;
    byId("conversation-delete-text").textContent = text("deleteQuestion", { title: titleOf(this.#row) });
    this.#dialog.returnValue = "";
    this.#dialog.showModal();
  }

  async #share() {
    const row = this.#row;
    try {
      const { openShare } = await import("./later/share.js");
      await openShare(row);
    } catch {
      this.#actions.failed(new ApiError(0, "not_connected", text("error.not_connected")));
    }
  }

  /** A field in place of the title: Enter or leaving it stores, Escape does not. */
  #rename() {
    const row = this.#row;
    const { link } = this.#actions.view(row.id);
    const field = element("input", { class: "conversation-name", maxlength: LONGEST_TITLE, "aria-label": text("title") });
    field.value = row.title;
    let isOver = false;
    const end = (isStored) => {
      if (isOver) return;
      isOver = true;
      field.replaceWith(link);
      const title = field.value.trim();
      if (isStored && title && title !== row.title) this.#store(row, title);
    };
    field.addEventListener("keydown", (event) => {
      // The Enter that an input method takes names nothing yet.
      if (event.isComposing || event.keyCode === 229) return;
      if (event.key !== "Enter" && event.key !== "Escape") return;
      event.preventDefault();
      end(event.key === "Enter");
      link.focus();
    });
    field.addEventListener("blur", () => end(true));
    link.replaceWith(field);
    field.focus();
    field.select();
  }

  async #store(row, title) {
    const before = row.title;
    this.#actions.renamed(row.id, title);
    try {
      await api(`api/conversations/${row.id}`, { method: "PATCH", json: { title } });
    } catch (error) {
      this.#actions.renamed(row.id, before);
      this.#actions.failed(error);
    }
  }

  async #delete() {
    const { id } = this.#row;
    try {
      await api(`api/conversations/${id}`, { method: "DELETE" });
    } catch (error) {
      // One that is gone already is what was asked for.
      if (error.status !== 404) return this.#actions.failed(error);
    }
    return this.#actions.deleted(id);
  }
}
