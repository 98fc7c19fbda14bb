// Whether a key belongs to an input method: the Enter that confirms a word must never send it.

// Safari ends the composition before the Enter that confirms it arrives (WebKit bug 165004).
const TAIL = 30;

export class Composing {
  #endedAt = -Infinity;
  #isOpen = false;

  /** Watch what is written into `field`. */
  constructor(field) {
    field.addEventListener("compositionstart", () => (this.#isOpen = true));
    field.addEventListener("compositionend", (event) => {
      this.#isOpen = false;
      this.#endedAt = event.timeStamp;
    });
    // A composition that the field lost with the focus is over, whether it was said or not.
    field.addEventListener("blur", () => (this.#isOpen = false));
  }

  /** Whether `event`, of a key, is the input method's: 229 is what browsers send for such keys. */
  owns(event) {
    const isTail = event.timeStamp - this.#endedAt < TAIL;
    return this.#isOpen || event.isComposing || event.keyCode === 229 || isTail;
  }
}
