// What the person says: shown at once, kept in the outbox, said anew, taken back to be changed.

import { goOn } from "./dom.js";

// By then a message that another tab has sent is shown here as stored.
const SETTLING = 2_000;

export class Speaking {
  #store;
  #outbox;
  #composer;
  #transcript;
  #link;

  /** link: `isOpen`, `isWelcome` tell of the connection; `ask(frame)` complains where there is none. */
  constructor({ store, outbox, composer, transcript, link }) {
    this.#store = store;
    this.#outbox = outbox;
    this.#composer = composer;
    this.#transcript = transcript;
    this.#link = link;
  }

  /** Say something; where `replaces` is the id of a message, as a new version of that one. */
  write(content, files, replaces) {
    const item = this.#outbox.add({ content, files, replaces });
    this.show(item);
    if (this.#link.isWelcome()) this.#outbox.send(item.clientId);
    this.#transcript.toEnd();
  }

  /** Say a message anew, as a version of it: with the same words it is answered in another way. */
  anew(message, content = message.content) {
    this.write(content, undefined, message.id);
    goOn();
  }

  retry(message) {
    goOn();
    if (message.isPending) {
      this.#store.setError(message.key, null);
      this.#outbox.send(message.key);
    } else {
      this.#link.ask({ type: "retry", id: message.id });
    }
  }

  /** Take back what was not sent, to be changed. */
  edit(message) {
    this.#outbox.remove(message.key);
    this.#store.removePending(message.key);
    this.#composer.fill(message.content, message.files);
  }

  /** Offer the last own message to be changed; false when there is none. */
  recall() {
    const own = this.#store.inOrder().findLast(({ role, content }) => role === "user" && content);
    if (!own) return false;
    if (own.isPending && own.state !== "refused") return false;
    if (own.isPending) this.edit(own);
    else this.#transcript.edit(own.id);
    return true;
  }

  /** Another tab saw it confirmed: its message comes here too, unless it was taken out to be edited. */
  sentElsewhere(clientId) {
    setTimeout(() => this.#store.get(`unsent:${clientId}`) && this.#store.removePending(clientId), SETTLING);
  }

  /** Show what is unsent in the open conversation, with what it waits for. */
  showAll() {
    for (const item of this.#outbox.items) this.show(item);
  }

  show({ clientId, content, createdAt, error, files, replaces }) {
    const state = error ? "refused" : this.#link.isOpen() ? "sending" : "waiting";
    this.#store.addPending({ clientId, content, createdAt, state, files, replaces });
    if (error) this.#store.setError(clientId, error);
  }

  /** Take away what is unsent from the page, not from the outbox: another conversation is opened. */
  hideAll() {
    for (const { key, isPending } of this.#store.inOrder()) if (isPending) this.#store.removePending(key);
  }
}
