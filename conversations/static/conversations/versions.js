// ‹ 2/3 ›: which version of a message is shown, and the way to the others.

import { element, icon } from "./dom.js";
import { text } from "./setup.js";

export class Versions {
  #choose;
  #count = element("span", { class: "version" });
  #words = element("span", { class: "visually-hidden" });
  #previous = this.#button("previous", -1);
  #next = this.#button("next", 1);
  #shown = null;
  node = element("span", { class: "versions", role: "group", hidden: true });

  /** `choose(id)` has that version shown. */
  constructor(choose) {
    this.#choose = choose;
    this.#count.setAttribute("aria-hidden", "true");
    this.node.setAttribute("aria-label", text("versions"));
    this.node.append(this.#previous, this.#count, this.#words, this.#next);
  }

  /** `versions`: what the store tells of a message, null where there is but one. */
  update(versions) {
    this.#shown = versions;
    this.node.hidden = !versions;
    if (!versions) return;
    const [number, count] = [versions.index + 1, versions.ids.length];
    this.#count.textContent = `${number}/${count}`;
    this.#words.textContent = text("versionOf", { number, count });
    this.#set(this.#previous, number === 1);
    this.#set(this.#next, number === count);
  }

  /** Put the focus on the way that led here, or on the way back where it ended. */
  focus(step) {
    const [wanted, other] = step > 0 ? [this.#next, this.#previous] : [this.#previous, this.#next];
    (wanted.getAttribute("aria-disabled") === "true" ? other : wanted).focus();
  }

  /** Not `disabled`: the focus would be lost at the last version. */
  #set(button, isAtEnd) {
    button.setAttribute("aria-disabled", String(isAtEnd));
  }

  #button(name, step) {
    const onclick = () => this.#go(step);
    const label = text(`${name}Version`);
    const properties = { type: "button", class: "tool", "aria-label": label, title: label, onclick };
    return element("button", properties, icon(name));
  }

  #go(step) {
    const id = this.#shown?.ids[this.#shown.index + step];
    if (id) this.#choose(id, step);
  }
}
