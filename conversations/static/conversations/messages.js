// The messages that the store holds: by id, by what they answer, and in reading order.

const WORKING = new Set(["queued", "answering"]);

/** Whether a message is one that is answered: what a person said, or a prompt of a schedule. */
export function isAsked({ role, state }) {
  return role === "user" || (role === "system" && state !== "done");
}

/** Whether its answer is awaited. */
export function isWorking(message) {
  return isAsked(message) && WORKING.has(message.state);
}

/** Not the clock of this device for what is unsent: it may be wrong by hours. */
function timeOf({ isPending, createdAt }) {
  return isPending || !createdAt ? Number.MAX_SAFE_INTEGER : Date.parse(createdAt);
}

export class Messages {
  #byId = new Map();
  /** In reading order unless `#isSorted` says that something has moved since. */
  #order = [];
  #isSorted = true;
  #replies = new Map();
  #working = new Set();
  #arrivals = 0;

  get size() {
    return this.#byId.size;
  }

  get isBusy() {
    return this.#working.size > 0;
  }

  get(id) {
    return this.#byId.get(id);
  }

  replyTo(id) {
    return this.#replies.get(id)?.[0];
  }

  /**
   * Every message in reading order: a reply follows what it answers, what is unsent comes last.
   * Not to be changed; sorted again only after something moved, when it is nearly sorted already.
   */
  inOrder() {
    if (!this.#isSorted) this.#order.sort((one, other) => this.#compare(one, other));
    this.#isSorted = true;
    return this.#order;
  }

  add(message) {
    message.arrival ??= this.#arrivals++;
    message.time = timeOf(message);
    this.#byId.set(message.id, message);
    this.#order.push(message);
    this.#isSorted = false;
    this.#link(message);
    this.count(message);
  }

  rename(message, id) {
    this.#byId.delete(message.id);
    message.id = id;
    this.#byId.set(id, message);
  }

  /** Give `message` new fields, and with them its new place. */
  update(message, fields) {
    const before = message.replyTo;
    this.#unlink(message);
    Object.assign(message, fields);
    this.#link(message);
    const time = timeOf(message);
    if (time === message.time && before === message.replyTo) return;
    message.time = time;
    this.#isSorted = false;
  }

  /** Note whether its answer is awaited: to be called after each change of its `state`. */
  count(message) {
    if (isWorking(message)) this.#working.add(message);
    else this.#working.delete(message);
  }

  remove(message) {
    this.keep((one) => one !== message);
  }

  /** Forget those of which `isKept(message)` is false. */
  keep(isKept) {
    const gone = this.#order.filter((message) => !isKept(message));
    this.#order = this.#order.filter(isKept);
    for (const message of gone) {
      this.#byId.delete(message.id);
      this.#unlink(message);
      this.#working.delete(message);
    }
  }

  /** Forget all but about `count`, those changed last. False when there are no more. */
  keepLatest(count) {
    const seqs = this.#order.filter(({ seq }) => seq).map(({ seq }) => seq);
    if (seqs.length <= count) return false;
    seqs.sort((one, other) => other - one);
    // What is forgotten is asked for again by being older than all that is here: none stays that is.
    let least = seqs[count - 1];
    for (const { seq } of this.#working) least = Math.min(least, seq || least);
    this.keep(({ seq }) => !seq || seq >= least);
    return true;
  }

  #link(message) {
    if (!message.replyTo) return;
    const replies = this.#replies.get(message.replyTo);
    if (replies) replies.push(message);
    else this.#replies.set(message.replyTo, [message]);
  }

  #unlink(message) {
    if (!message.replyTo) return;
    const left = (this.#replies.get(message.replyTo) ?? []).filter((one) => one !== message);
    if (left.length) this.#replies.set(message.replyTo, left);
    else this.#replies.delete(message.replyTo);
  }

  #compare(one, other) {
    const [first, second] = [this.#anchor(one), this.#anchor(other)];
    if (first !== second) return first.time - second.time || first.arrival - second.arrival;
    return (one !== first) - (other !== second) || one.time - other.time || one.arrival - other.arrival;
  }

  #anchor(message) {
    return this.#byId.get(message.replyTo) ?? message;
  }
}
