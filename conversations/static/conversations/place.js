// Which conversation the page is in: its address says so, and going back changes it.

import { addressOf } from "./api.js";
import { embed } from "./setup.js";
import { browser } from "./storage.js";

const ADDRESS = /\/c\/([0-9a-f-]{36})$/;

function here() {
  return ADDRESS.exec(location.pathname)?.[1] ?? null;
}

/** The address of a conversation; of the latest one without `id`. */
export function pathOf(id) {
  return addressOf(id ? `c/${id}` : "").pathname;
}

export class Place {
  /** The id of the conversation; null means the latest, which the server will name. */
  id = embed ? browser.read("conversation", null) : here();

  /** moved(id): the person went back or forward to that conversation. */
  constructor(moved) {
    if (!embed) addEventListener("popstate", () => moved(here()));
  }

  /** Go on to a conversation: the one that is left stays behind in the browser's history. */
  go(id) {
    this.#move(id, "pushState");
  }

  /** Be in a conversation, whatever the address said; there is no way back to where one was. */
  settle(id) {
    this.#move(id, "replaceState");
  }

  #move(id, how) {
    this.id = id;
    if (embed) browser.write("conversation", id);
    else if (here() !== id) history[how](null, "", pathOf(id));
  }
}
