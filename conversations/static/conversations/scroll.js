// The one owner of the transcript's scroll position: stays at the end, or stays where the reader is.

// Closer to the end than this still counts as reading the end.
const NEAR = 40;

export class Scroll {
  #box;
  #isAtEnd = true;
  #top = 0;
  #moved;

  /** moved(): the reader came to the end, left it, or is on the way; resized(): lines break anew. */
  constructor(box, content, { moved, resized }) {
    this.#box = box;
    this.#moved = moved;
    box.addEventListener("scroll", () => this.#look(), { passive: true });
    // Pictures, keyboards and windows change heights later than any frame does.
    let width = content.clientWidth;
    const observer = new ResizeObserver(() => {
      if (this.#isAtEnd) this.toEnd();
      if (content.clientWidth === width) return;
      width = content.clientWidth;
      resized();
    });
    observer.observe(box);
    observer.observe(content);
  }

  get isAtEnd() {
    return this.#isAtEnd;
  }

  /** Whether the end is more than a screen away. */
  get isFar() {
    return this.#fromEnd() > this.#box.clientHeight;
  }

  toEnd() {
    this.#isAtEnd = true;
    this.#box.scrollTop = this.#box.scrollHeight;
    this.#top = this.#box.scrollTop;
  }

  /** Put `node` into the middle of what is seen; its beginning at the top where it is too long. */
  show(node) {
    this.#isAtEnd = false;
    const isLong = node.offsetHeight > this.#box.clientHeight;
    node.scrollIntoView({ block: isLong ? "start" : "center" });
    this.#look();
  }

  /** Run `insert`, which adds content above, without moving what is being read. */
  keepPosition(insert) {
    const fromEnd = this.#box.scrollHeight - this.#box.scrollTop;
    insert();
    this.#box.scrollTop = this.#box.scrollHeight - fromEnd;
  }

  /** Run `change`, which adds to the beginning of `node` or else to its end, as `keepPosition`. */
  keepAround(node, isFromEnd, change) {
    if (this.#isAtEnd) {
      change();
      this.toEnd();
      return;
    }
    const { top, bottom } = node.getBoundingClientRect();
    const isAbove = (isFromEnd ? top : bottom) < this.#box.getBoundingClientRect().top;
    if (isAbove) this.keepPosition(change);
    else change();
  }

  #fromEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#box;
    return scrollHeight - scrollTop - clientHeight;
  }

  #look() {
    const { scrollTop } = this.#box;
    // Only a reader who goes up leaves the end: a keyboard that opens makes it lie further down,
    // and what told of an earlier move may come behind that.
    const isLeft = !this.#isAtEnd || scrollTop < this.#top;
    this.#top = scrollTop;
    this.#isAtEnd = this.#fromEnd() < NEAR || !isLeft;
    this.#moved();
  }
}
