// The text of a message: as it grows, and as the HTML that the server made of it once it is whole.

import { copyButton } from "./buttons.js";
import { element } from "./dom.js";
import { text } from "./setup.js";
import { isAsked } from "./store.js";

/** Give code blocks their heading and copy button, and make what scrolls reachable by keyboard. */
function furnish(body) {
  for (const block of body.querySelectorAll("pre")) {
    const code = block.querySelector("code") ?? block;
    const name = code.className.replace("language-", "") || text("code");
    const head = element("div", { class: "code-head" }, element("span", {}, name));
    head.append(copyButton(text("copy"), () => code.textContent));
    const frame = element("div", { class: "code" }, head);
    block.replaceWith(frame);
    frame.append(block);
    describeScroller(block, name);
  }
  for (const box of body.querySelectorAll("div.table")) describeScroller(box, text("table"));
}

function describeScroller(box, name) {
  box.tabIndex = 0;
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", name);
}

export class Body {
  #shown = { revision: -1, length: 0, html: null };
  node = element("div", { class: "text", dir: "auto" });

  update(message) {
    if (isAsked(message) || message.isStreaming || !message.html) this.#showText(message);
    else this.#showHtml(message);
  }

  /** Plain text; while it only grows, only what is new is added to the page. */
  #showText(message) {
    const shown = this.#shown;
    const isGrown = shown.html === null && shown.revision === message.revision;
    if (!isGrown) this.node.replaceChildren(document.createTextNode(message.content));
    else if (message.content.length > shown.length) {
      this.node.firstChild.appendData(message.content.slice(shown.length));
    }
    this.node.classList.add("plain");
    Object.assign(shown, { html: null, revision: message.revision, length: message.content.length });
  }

  /** The server's HTML: it comes out of its sanitizer, and the page's policy stands behind it. */
  #showHtml(message) {
    if (this.#shown.html === message.html) return;
    this.node.classList.remove("plain");
    this.node.innerHTML = message.html;
    furnish(this.node);
    this.#shown.html = message.html;
  }
}
