// What was read and what was not: the reader's mark, the line above what is new, and the badges.

// A mark that is told for each message would be a write for each: it is told when it rests.
const REST = 1_000;
// Not taken, because there is no connection just now.
const AGAIN = 5_000;

function isReply({ role, content, isDeleted }) {
  return role === "assistant" && content !== "" && !isDeleted;
}

export class Unread {
  /** Everything up to this `seq` was seen. */
  #mark = Infinity;
  #told = Infinity;
  #timer = 0;
  #tell;
  #show;
  /** What was unread when a conversation is opened gets its line although it is seen at once. */
  #isOpening = false;
  #isOpened = false;
  #title = document.title;

  /** The `key` of the first message that was new when new ones began; null where none is. */
  firstNew = null;
  count = 0;

  /** tell(seq): the reader's mark moved; false when that cannot be sent. show(count): on other badges. */
  constructor(tell, show = () => {}) {
    this.#tell = tell;
    this.#show = show;
    document.addEventListener("visibilitychange", () => document.hidden && this.#telling());
  }

  /** What the page is called while nothing is new. */
  set title(title) {
    this.#title = title;
    this.#badges();
  }

  /** Another conversation is shown, which was read up to `mark`; its messages come next. */
  opened(mark) {
    this.#telling();
    this.#mark = this.#told = mark;
    this.#isOpening = true;
    this.#isOpened = false;
    this.firstNew = null;
  }

  /** The conversation is left: what was read of it is told while its socket is open. */
  closed() {
    this.#telling();
    this.#mark = this.#told = Infinity;
  }

  /** Messages of a conversation's history are about to be shown. */
  historyCame() {
    if (this.#isOpening) this.#isOpened = true;
    this.#isOpening = false;
  }

  /** Take the line away: the person went on, or what it stood above is gone. */
  forgetLine() {
    this.firstNew = null;
  }

  /** Count what is new in `messages`, in order, of which the latest change is `seq`. */
  update(messages, seq, isSeen) {
    if (this.#isOpening) return;
    if (isSeen && !this.#isOpened) this.#moveTo(seq);
    const wasNew = this.count > 0 && !this.#isOpened;
    let count = 0;
    let first = null;
    for (const message of messages) {
      if (!(message.seq > this.#mark) || !isReply(message)) continue;
      count += 1;
      first ??= message.key;
    }
    if (count && !wasNew) this.firstNew = first;
    this.#isOpened = false;
    if (isSeen) this.#moveTo(seq);
    this.count = isSeen ? 0 : count;
    this.#badges();
  }

  #moveTo(seq) {
    if (!(seq > this.#mark)) return;
    this.#mark = seq;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#telling(), REST);
  }

  #telling() {
    clearTimeout(this.#timer);
    if (!(this.#mark > this.#told)) return;
    if (this.#tell(this.#mark)) this.#told = this.#mark;
    else this.#timer = setTimeout(() => this.#telling(), AGAIN);
  }

  #badges() {
    const title = this.count ? `(${this.count}) ${this.#title}` : this.#title;
    if (document.title === title) return;
    document.title = title;
    this.#show(this.count);
    // Where the page is installed; refused in some frames, which is no loss.
    navigator.setAppBadge?.(this.count).catch(() => {});
  }
}
