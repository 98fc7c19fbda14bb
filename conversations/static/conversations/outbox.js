// Messages that the server has not confirmed: kept over reloads, sent again, never twice stored.

import { tab } from "./storage.js";

const ACKNOWLEDGE_DEADLINE = 10_000;

/** `crypto.randomUUID` exists only on https and localhost; this page also runs on a plain LAN. */
function newClientId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Outbox {
  #items = tab.read("outbox", []);
  #transmit;
  #timers = new Map();

  /** `transmit(frame)` sends it and returns false when there is no connection. */
  constructor(transmit) {
    this.#transmit = transmit;
  }

  get items() {
    return this.#items;
  }

  /** `files`: what the site told of each that it has already. */
  add(content, files = []) {
    const item = { clientId: newClientId(), content, files, createdAt: new Date().toISOString() };
    this.#items.push(item);
    this.#save();
    return item;
  }

  /** Send one item; the client_id makes it harmless that the server may have it already. */
  send(clientId) {
    const item = this.#items.find((each) => each.clientId === clientId);
    clearTimeout(this.#timers.get(clientId));
    if (!item) return false;
    delete item.error;
    this.#save();
    const frame = { type: "message", content: item.content, client_id: clientId };
    if (item.files?.length) frame.files = item.files.map(({ id }) => id);
    const isSent = this.#transmit(frame);
    if (isSent) this.#timers.set(clientId, setTimeout(() => this.send(clientId), ACKNOWLEDGE_DEADLINE));
    return isSent;
  }

  /** Send everything that is not known to be refused, in the order it was written. */
  flush() {
    for (const item of this.#items) {
      if (!item.error) this.send(item.clientId);
    }
  }

  refuse(clientId, error) {
    clearTimeout(this.#timers.get(clientId));
    const item = this.#items.find((each) => each.clientId === clientId);
    if (item) item.error = error;
    this.#save();
    return item !== undefined;
  }

  /** Take the item out, as confirmed or to be edited; undefined when it is not here. */
  remove(clientId) {
    const index = this.#items.findIndex((each) => each.clientId === clientId);
    clearTimeout(this.#timers.get(clientId));
    this.#timers.delete(clientId);
    if (index < 0) return undefined;
    const [item] = this.#items.splice(index, 1);
    this.#save();
    return item;
  }

  #save() {
    tab.write("outbox", this.#items.length ? this.#items : null);
  }
}
