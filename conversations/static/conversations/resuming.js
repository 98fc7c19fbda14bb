// What the page missed: up to which change everything is here, and asking for what is not.

// A gap is asked about at most this often: what is missing may be on its way.
const RESUME_EVERY = 500;

export class Resuming {
  #store;
  #send;
  #timer = 0;
  #missingAfter = Infinity;
  /** What the checkpoint becomes once the pong behind a `resume` shows that it was answered. */
  #reached = null;

  /** Everything up to this `seq` is surely here; later frames came, but one may have been lost. */
  checkpoint = null;

  /** `send(frame)` returns false when there is no connection. */
  constructor(store, send) {
    this.#store = store;
    this.#send = send;
  }

  /** Nothing is known of the conversation that is shown next. */
  forget() {
    this.checkpoint = this.#reached = null;
    this.#missingAfter = Infinity;
  }

  disconnected() {
    this.#reached = null;
  }

  /** A pong came: all that was sent before it is here. */
  answered() {
    this.checkpoint = this.#reached ?? this.checkpoint;
    this.#reached = null;
  }

  /** Ask for everything since the last time nothing was missing; costs nothing while all is quiet. */
  reconcile() {
    const isQuiet = this.checkpoint >= this.#store.seq && !this.#store.isBusy;
    if (this.checkpoint === null || isQuiet) return;
    if (this.#send({ type: "resume", after: this.checkpoint })) this.#reached = this.#store.seq;
  }

  /** Ask for one message again, of which a part or the beginning is missing. */
  askAgain(id) {
    const after = Math.min(this.checkpoint, (this.#store.get(id)?.seq || Infinity) - 1);
    this.#missingAfter = Math.min(this.#missingAfter, after);
    if (!this.#timer) this.#resume();
  }

  #resume() {
    this.#timer = 0;
    if (this.#missingAfter === Infinity) return;
    this.#send({ type: "resume", after: this.#missingAfter });
    this.#missingAfter = Infinity;
    this.#timer = setTimeout(() => this.#resume(), RESUME_EVERY);
  }
}
