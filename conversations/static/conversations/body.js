// The text of a message: as it grows, and as the HTML that the server made of it once it is whole.

import { copyButton } from "./buttons.js";
import { element } from "./dom.js";
import { restOf } from "./grown.js";
import { filling, morph, morphing } from "./morph.js";
import { text } from "./setup.js";
import { isAsked } from "./store.js";

// Characters of HTML from which on a text comes in slices, and is laid out only where it is seen.
const LONG = 30_000;

/** Give code blocks their heading and copy button, and make what scrolls reachable by keyboard. */
function furnish(body) {
  for (const block of body.querySelectorAll("pre")) {
    if (block.classList.contains("math")) describeScroller(block, text("formula"));
    else furnishCode(block);
  }
  for (const box of body.querySelectorAll("div.table")) describeScroller(box, text("table"));
  // Each block runs as its own first letters do; code and formulas from left to right.
  for (const block of body.children) {
    block.dir = block.matches(".code, .math") ? "ltr" : "auto";
  }
}

function furnishCode(block) {
  const code = block.querySelector("code") ?? block;
  const name = code.className.replace("language-", "") || text("code");
  const head = element("div", { class: "code-head" }, element("span", {}, name));
  const frame = element("div", { class: "code", dir: "ltr" }, head);
  // Asked for then: the code may have grown, or its element been replaced.
  head.append(copyButton(text("copy"), () => head.parentNode.querySelector("pre").textContent));
  block.replaceWith(frame);
  frame.append(block);
  describeScroller(block, name);
}

function describeScroller(box, name) {
  box.tabIndex = 0;
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", name);
}

/** The nodes of the server's HTML: it comes out of its sanitizer, and the page's policy stands behind it. */
function nodesOf(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  furnish(template.content);
  return template.content;
}

export class Body {
  /** What is on the page: of a text its revision and length, of HTML the whole or the pieces of it. */
  #shown = { revision: -1, length: 0, html: null, grown: null };
  #slices;
  #isFilling = false;
  /** What came while an earlier state of it was still being filled in. */
  #next = null;
  node = element("div", { class: "text", dir: "auto" });

  constructor(slices) {
    this.#slices = slices;
  }

  update(message) {
    this.#next = this.#isFilling ? message : null;
    if (this.#isFilling) return;
    if (!isAsked(message) && !message.isStreaming && message.html) this.#showHtml(message.html);
    else if (message.isStreaming && message.grown) this.#showGrown(message);
    else this.#showText(message);
  }

  /** Plain text; while it only grows, only what is new is added to the page. */
  #showText(message) {
    const { revision, length, html, grown } = this.#shown;
    const isGrown = html === null && grown === null && revision === message.revision;
    if (!isGrown) this.node.replaceChildren(document.createTextNode(message.content));
    else if (message.content.length > length) {
      this.node.firstChild.appendData(message.content.slice(length));
    }
    this.node.classList.add("plain");
    this.node.classList.remove("long", "settled");
    this.#shown = { revision: message.revision, length: message.content.length, html: null, grown: null };
  }

  /** Closed pieces are put there once; behind them only what is not the same is replaced. */
  #showGrown(message) {
    const { grown } = message;
    const rest = restOf(message, performance.now());
    let { pieces, nodes, of, tail, rest: restShown } = this.#shown.grown ?? { pieces: 0, nodes: 0 };
    if (of === grown && pieces === grown.pieces.length && tail === grown.tail && rest === restShown) return;
    if (of !== grown) pieces = nodes = 0;
    this.node.classList.remove("plain");
    const closed = nodesOf(grown.pieces.slice(pieces).join(""));
    const closedNodes = nodes + closed.childNodes.length;
    closed.append(nodesOf(grown.tail));
    if (rest) closed.append(element("p", { class: "plain", dir: "auto" }, rest));
    if (pieces === 0 && grown.units > LONG) this.#fill(closed);
    else morph(this.node, closed, nodes);
    const shown = { of: grown, pieces: grown.pieces.length, nodes: closedNodes, tail: grown.tail, rest };
    this.#shown = { revision: -1, length: 0, html: null, grown: shown };
  }

  #showHtml(html) {
    if (this.#shown.html === html) return;
    this.node.classList.remove("plain");
    if (html.length > LONG) this.#fill(nodesOf(html));
    else morph(this.node, nodesOf(html));
    this.#shown = { revision: -1, length: 0, html, grown: null };
  }

  /** Make it hold these nodes, slice by slice: where there was nothing, from the end on. */
  #fill(fresh) {
    const isFromEnd = this.node.textContent === "";
    if (isFromEnd) this.node.replaceChildren();
    const steps = isFromEnd ? filling(this.node, fresh) : morphing(this.node, fresh);
    this.#isFilling = true;
    this.#slices.add(this.node, steps, isFromEnd, () => {
      this.#isFilling = false;
      this.node.classList.add("long");
      if (this.#next) this.update(this.#next);
    });
  }
}
