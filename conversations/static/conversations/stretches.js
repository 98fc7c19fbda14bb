// Long transcripts: what is far from the end stands in stretches that are laid out only where seen.

import { element } from "./dom.js";

// Nodes in one stretch: fewer make more of them to look after in each frame, more cost more to show.
const LENGTH = 50;
// The latest nodes stand free: most of what happens, happens there.
const FREE = 80;
// How long nodes must have stood on the page until their heights are known for certain.
const SETTLING = 400;

export class Stretches {
  #list;
  #keepPosition;
  /** By their first node: {node, nodes}. */
  #stretches = new Map();
  #timer = 0;

  /** keepPosition(change): run `change` without moving what is read. */
  constructor(list, keepPosition) {
    this.#list = list;
    this.#keepPosition = keepPosition;
  }

  /** Make the list hold `nodes` in this order, touching only those out of place: focus stays. */
  place(nodes) {
    const folded = this.#fold(nodes);
    const wanted = new Set(folded);
    for (const child of [...this.#list.children]) if (!wanted.has(child)) child.remove();
    let next = this.#list.firstChild;
    for (const node of folded) {
      if (node === next) next = next.nextSibling;
      else this.#list.insertBefore(node, next);
    }
    this.settleSoon();
  }

  /** Lines break anew: no height holds any more. */
  resized() {
    for (const node of this.#list.querySelectorAll(".settled")) node.classList.remove("settled");
    this.settleSoon();
  }

  /** Leave out what is not seen, once it has stood there for a moment. */
  settleSoon() {
    this.#timer ||= setTimeout(() => this.#settle(), SETTLING);
  }

  /** Put a stretch in place of its nodes where they still follow each other; give up the others. */
  #fold(nodes) {
    const folded = [];
    const kept = new Map();
    for (let index = 0; index < nodes.length; index += 1) {
      const stretch = this.#stretches.get(nodes[index]);
      const isWhole = stretch?.nodes.every((node, offset) => nodes[index + offset] === node);
      folded.push(isWhole ? stretch.node : nodes[index]);
      if (!isWhole) continue;
      kept.set(nodes[index], stretch);
      index += stretch.nodes.length - 1;
    }
    this.#stretches = kept;
    return folded;
  }

  #settle() {
    this.#timer = 0;
    const runs = this.#runs();
    if (runs.length) this.#keepPosition(() => runs.forEach((run) => this.#wrap(run)));
    // Its height is remembered only after it was laid out once.
    setTimeout(() => {
      for (const { node } of this.#stretches.values()) node.classList.add("settled");
      for (const node of this.#list.querySelectorAll(".message:not(.streaming) > .long")) node.classList.add("settled");
    }, SETTLING / 4);
  }

  /** Free nodes that follow each other, far enough from the end, in parts of even length. */
  #runs() {
    const runs = [];
    let run = [];
    for (const child of [...this.#list.children].slice(0, -FREE).concat(null)) {
      if (child && !child.classList.contains("stretch")) run.push(child);
      else {
        const parts = Math.round(run.length / LENGTH);
        for (let part = 0; part < parts; part += 1) {
          const [from, to] = [part, part + 1].map((edge) => Math.round((edge * run.length) / parts));
          runs.push(run.slice(from, to));
        }
        run = [];
      }
    }
    return runs.filter((nodes) => !nodes.some(isInUse));
  }

  #wrap(nodes) {
    const node = element("div", { class: "stretch" });
    nodes[0].before(node);
    node.append(...nodes);
    this.#stretches.set(nodes[0], { node, nodes });
  }
}

/** Whether moving it would take away the focus or a selection. */
function isInUse(node) {
  const selection = getSelection();
  const isSelected = !selection.isCollapsed && selection.containsNode(node, true);
  return isSelected || node.contains(document.activeElement);
}
