// Messages that the server has not confirmed: kept for every tab, sent again, never twice stored.

import { Courier } from "./courier.js";
import { browser } from "./storage.js";

const PREFIX = "outbox.";
const ACKNOWLEDGE_DEADLINE = 10_000;
const KEPT_FOR = 7 * 24 * 3_600_000;

/** `crypto.randomUUID` exists only on https and localhost; this page also runs on a plain LAN. */
function newClientId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function frameOf({ clientId, content, files, replaces }) {
  const frame = { type: "message", content, client_id: clientId };
  if (files?.length) frame.files = files.map((file) => file.id ?? file);
  if (replaces) frame.replaces = replaces;
  return frame;
}

/**
 * Each item has a key of its own in the browser's storage: two tabs that write at once lose nothing.
 * Any tab may send any item, for the server stores a client_id once; the tab that wrote it is first.
 */
export class Outbox {
  #items = new Map();
  #conversation = null;
  #handlers;
  #timers = new Map();
  #courier;

  /**
   * handlers: `transmit(frame)` sends on the open socket, false when there is none; `changed(item)`
   * when another tab wrote or changed one of the shown conversation; `gone(clientId)` when another
   * tab saw it confirmed or took it out.
   */
  constructor(handlers) {
    this.#handlers = handlers;
    this.#courier = new Courier({
      stored: (clientId) => this.remove(clientId),
      refused: (clientId, sentence) => this.refuse(clientId, sentence),
    });
    this.#load();
    browser.watch(PREFIX, (clientId, item) => this.#heard(clientId, item));
  }

  /** Those of the shown conversation, in the order they were written. */
  get items() {
    return this.#sorted().filter((item) => this.#isHere(item));
  }

  /** From now on `conversation` is shown; what is unsent elsewhere is still sent. */
  open(conversation) {
    this.#conversation = conversation;
  }

  /** `files` are what the site has stored, or their ids; `replaces` is the id of an edited message. */
  add({ content, files, replaces }) {
    const last = Math.max(0, ...[...this.#items.values()].map(({ at }) => at));
    const now = Date.now();
    const item = { clientId: newClientId(), conversation: this.#conversation, content, files, replaces };
    Object.assign(item, { at: Math.max(now, last + 1), createdAt: new Date(now).toISOString() });
    this.#items.set(item.clientId, item);
    this.#save(item);
    return item;
  }

  /** Send one item; the client_id makes it harmless that the server may have it already. */
  send(clientId) {
    const item = this.#items.get(clientId);
    this.#wait(clientId, 0);
    if (!item) return false;
    if (item.error) {
      delete item.error;
      this.#save(item);
    }
    const isSent = this.#isHere(item) ? this.#handlers.transmit(frameOf(item)) : this.#carry(item);
    if (isSent) this.#wait(clientId, ACKNOWLEDGE_DEADLINE);
    return isSent;
  }

  /** The server is there: send what is not known to be refused, in the order it was written. */
  flush() {
    for (const item of this.#sorted()) {
      if (!item.conversation && this.#conversation) {
        item.conversation = this.#conversation;
        this.#save(item);
      }
      if (!item.error) this.send(item.clientId);
    }
  }

  refuse(clientId, error) {
    this.#wait(clientId, 0);
    const item = this.#items.get(clientId);
    if (!item) return false;
    item.error = error;
    this.#save(item);
    return true;
  }

  /** Take the item out, as confirmed or to be edited; undefined when it is not here. */
  remove(clientId) {
    const item = this.#items.get(clientId);
    this.#wait(clientId, 0);
    this.#items.delete(clientId);
    // Whoever confirms it: the tab that wrote it may have been closed before this page knew of it.
    browser.write(PREFIX + clientId, null);
    return item;
  }

  /** `conversation` is no more: what this page wrote into it goes into the one that comes instead. */
  abandon(conversation) {
    for (const item of this.#items.values()) {
      if (item.conversation !== conversation || item.isKept) continue;
      item.conversation = null;
      this.#save(item);
    }
  }

  #isHere({ conversation }) {
    return !conversation || conversation === this.#conversation;
  }

  #sorted() {
    return [...this.#items.values()].sort((one, other) => one.at - other.at);
  }

  /** Send an item of another conversation on a socket of its own, with all others of that one. */
  #carry({ conversation }) {
    const items = this.#sorted().filter((item) => item.conversation === conversation && !item.error);
    this.#courier.carry(conversation, items.map(frameOf));
    return true;
  }

  /** Send again after `pause`, unless it is 0. */
  #wait(clientId, pause) {
    clearTimeout(this.#timers.get(clientId));
    this.#timers.delete(clientId);
    if (pause) this.#timers.set(clientId, setTimeout(() => this.send(clientId), pause));
  }

  #load() {
    for (const key of browser.keys(PREFIX)) {
      const item = browser.read(key, null);
      // Kept from before: if its conversation is gone, it is not for another one.
      if (item?.at > Date.now() - KEPT_FOR) this.#items.set(item.clientId, { ...item, isKept: true });
      else browser.write(key, null);
    }
  }

  #heard(clientId, item) {
    if (item === null) {
      const isKnown = this.#items.delete(clientId);
      this.#wait(clientId, 0);
      if (isKnown) this.#handlers.gone?.(clientId);
      return;
    }
    this.#items.set(clientId, { ...item, isKept: true });
    // The tab that wrote it sends it: unless it is closed before.
    this.#wait(clientId, item.error ? 0 : ACKNOWLEDGE_DEADLINE);
    if (this.#isHere(item)) this.#handlers.changed?.(item);
  }

  #save({ isKept, ...item }) {
    browser.write(PREFIX + item.clientId, item);
  }
}
