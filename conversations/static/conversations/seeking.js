// The way to a message that was searched for: through history, or into another version of the talk.

export class Seeking {
  #store;
  #transcript;
  #actions;
  #id = null;
  #isUncovering = false;

  /**
   * actions: `ask()` for earlier messages; `choose(id)` to show that version, false when it cannot
   * be asked for; `missing()` when the message is not here any more.
   */
  constructor(store, transcript, actions) {
    this.#store = store;
    this.#transcript = transcript;
    this.#actions = actions;
  }

  /** Go to the message of that id as soon as it is here; null goes nowhere. */
  begin(id) {
    this.#id = id;
    this.#isUncovering = false;
  }

  /** Look again: messages have come. */
  look() {
    if (!this.#id) return;
    if (this.#transcript.reveal(this.#id)) this.#id = null;
    else if (this.#isUncovering) return;
    else if (this.#transcript.hasEarlier && !this.#store.get(this.#id)) this.#actions.ask();
    else this.#uncover();
  }

  /** It is in another version of what was said, which is shown instead, or it was deleted. */
  #uncover() {
    const found = this.#store.get(this.#id);
    const asked = this.#store.get(found?.replyTo) ?? found;
    const version = asked?.replaces || asked?.chosen ? asked.id : asked?.branch;
    this.#isUncovering = Boolean(version && !found.isDeleted && this.#actions.choose(version));
    if (this.#isUncovering) return;
    this.#id = null;
    this.#actions.missing();
  }
}
