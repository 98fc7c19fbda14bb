// Sharing a conversation: a link that is made, copied, brought up to date and revoked in a dialog.

import { api } from "../api.js";
import { copyButton } from "../buttons.js";
import { byId } from "../dom.js";
import { language, text } from "../setup.js";
import { errorSentence } from "../status.js";

const moment = new Intl.DateTimeFormat(language, { dateStyle: "long", timeStyle: "short" });

class ShareDialog {
  #dialog = byId("share");
  #url = byId("share-url");
  #state = byId("share-state");
  #problem = byId("share-problem");
  #make = byId("share-make");
  #renew = byId("share-renew");
  #revoke = byId("share-revoke");
  #copy = copyButton(text("copy"), () => this.#url.value);
  #row = null;

  constructor() {
    byId("share-link").append(this.#copy);
    this.#url.addEventListener("focus", () => this.#url.select());
    this.#make.addEventListener("click", () => this.#change("POST", this.#copy));
    this.#renew.addEventListener("click", () => this.#change("POST", this.#copy));
    this.#revoke.addEventListener("click", () => this.#change("DELETE", this.#make));
  }

  /** Show what there is for a row of the list; it says by `shared` whether there is a link. */
  async open(row) {
    this.#row = row;
    this.#show(null);
    this.#make.hidden = Boolean(row.shared);
    this.#dialog.showModal();
    if (row.shared) await this.#change("GET", this.#copy);
    else this.#make.focus();
  }

  async #change(method, next) {
    const row = this.#row;
    this.#problem.textContent = "";
    this.#isBusy = true;
    try {
      const link = await api(`api/conversations/${row.id}/share`, { method });
      if (row !== this.#row) return; // another one was opened meanwhile
      row.shared = Boolean(link);
      this.#show(link ?? null);
      if (!link) this.#state.textContent = text("share.revoked");
    } catch (error) {
      if (row !== this.#row) return;
      this.#failed(error, method);
    } finally {
      this.#isBusy = false;
    }
    if (!next.closest("[hidden]")) next.focus();
  }

  #failed(error, method) {
    // Revoked in another tab, or by another device.
    if (error.status === 404 && method === "GET") {
      this.#row.shared = false;
      this.#show(null);
    } else this.#problem.textContent = errorSentence(error.code, error.detail);
  }

  #show(link) {
    byId("share-link").hidden = this.#revoke.hidden = !link;
    this.#make.hidden = Boolean(link);
    this.#renew.hidden = !link || link.current;
    this.#url.value = link?.url ?? "";
    this.#problem.textContent = "";
    this.#state.textContent = link ? this.#words(link) : "";
  }

  #words({ created_at: created, renewed_at: renewed, current }) {
    const values = { created: moment.format(new Date(created)), renewed: moment.format(new Date(renewed)) };
    const since = text(values.created === values.renewed ? "share.made" : "share.renewed", values);
    return current ? since : `${since} ${text("share.outdated")}`;
  }

  set #isBusy(value) {
    for (const button of [this.#make, this.#renew, this.#revoke]) button.disabled = value;
  }
}

let shared = null;

/** Open the page's one dialog, made when it is needed first. */
export function openShare(row) {
  shared ??= new ShareDialog();
  return shared.open(row);
}
