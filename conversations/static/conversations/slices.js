// Long texts come onto the page in slices, one in each frame: nothing else has to wait for them.

import { beforePaint } from "./dom.js";

// Nodes in one frame: some 30 ms of a slow machine's layout.
const SLICE = 900;

export class Slices {
  #keepAround;
  #done;
  /** {node, steps, isFromEnd, done}: the one that came last is first, it is what is read. */
  #works = [];
  #isScheduled = false;

  /** keepAround(node, isFromEnd, change): run `change` without moving what is read; done(): one is whole. */
  constructor(keepAround, done) {
    this.#keepAround = keepAround;
    this.#done = done;
  }

  /** Fill `node` by and by with what `steps` put there; `done()` is called behind the last one. */
  add(node, steps, isFromEnd, done) {
    this.#works.push({ node, steps, isFromEnd, done });
    this.#schedule();
  }

  /** The conversation is left: what is unfinished is not shown any more. */
  clear() {
    this.#works = [];
  }

  /** Take the slice of this frame. */
  take() {
    let left = SLICE;
    while (left > 0 && this.#works.length) {
      const work = this.#works.at(-1);
      this.#keepAround(work.node, work.isFromEnd, () => (left = this.#run(work, left)));
    }
  }

  #run(work, left) {
    while (left > 0) {
      const { done, value } = work.steps.next();
      if (done) {
        this.#works.splice(this.#works.indexOf(work), 1);
        work.done();
        this.#done();
        return left;
      }
      left -= value;
    }
    return left;
  }

  #schedule() {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    beforePaint(() => {
      this.#isScheduled = false;
      this.take();
      if (this.#works.length) this.#schedule();
    });
  }
}
