// The one owner of the transcript's scroll position: stays at the end, or stays where the reader is.

// Closer to the end than this still counts as reading the end.
const NEAR = 40;

export class Scroll {
  #box;
  #jump;
  #isAtEnd = true;

  constructor(box, content, jump) {
    this.#box = box;
    this.#jump = jump;
    box.addEventListener("scroll", () => this.#moved(), { passive: true });
    jump.addEventListener("click", () => this.toEnd());
    // Pictures, keyboards and windows change heights later than any frame does.
    const observer = new ResizeObserver(() => this.#isAtEnd && this.toEnd());
    observer.observe(box);
    observer.observe(content);
  }

  get isAtEnd() {
    return this.#isAtEnd;
  }

  toEnd() {
    this.#isAtEnd = true;
    this.#jump.hidden = true;
    this.#box.scrollTop = this.#box.scrollHeight;
  }

  /** Say that something new is below, to a reader who is further up. */
  announceNew() {
    if (!this.#isAtEnd) this.#jump.hidden = false;
  }

  /** Run `insert`, which adds content above, without moving what is being read. */
  keepPosition(insert) {
    const fromEnd = this.#box.scrollHeight - this.#box.scrollTop;
    insert();
    this.#box.scrollTop = this.#box.scrollHeight - fromEnd;
  }

  #moved() {
    const { scrollHeight, scrollTop, clientHeight } = this.#box;
    this.#isAtEnd = scrollHeight - scrollTop - clientHeight < NEAR;
    if (this.#isAtEnd) this.#jump.hidden = true;
  }
}
