// Pictures in full size, in a dialog above the page; the arrow keys go from one to the next.

import { element, icon } from "./dom.js";
import { text } from "./setup.js";
import { fileAddress } from "./sizes.js";

class Viewer {
  #pictures = [];
  #place = 0;
  #name = element("bdi", { class: "viewer-name" });
  #picture = element("img", { alt: "" });
  #download = element("a", { class: "viewer-button", "aria-label": text("file.save") }, icon("download"));
  #previous = this.#button("previous", () => this.#show(this.#place - 1));
  #next = this.#button("next", () => this.#show(this.#place + 1));
  #close = this.#button("cancel", () => this.#dialog.close());
  #dialog = element(
    "dialog",
    { class: "viewer", "aria-label": text("file.viewer") },
    element("div", { class: "viewer-bar" }, this.#name, this.#download, this.#close),
    element("div", { class: "viewer-stage" }, this.#previous, this.#picture, this.#next),
  );

  constructor() {
    document.body.append(this.#dialog);
    this.#dialog.addEventListener("keydown", (event) => {
      if (event.key === "ArrowLeft") this.#show(this.#place - 1);
      if (event.key === "ArrowRight") this.#show(this.#place + 1);
    });
    // Beside the picture, which is the stage or the dialog itself.
    this.#dialog.addEventListener("click", ({ target }) => {
      if (target === this.#dialog || target.classList.contains("viewer-stage")) this.#dialog.close();
    });
    // What is not looked at any more need not be held.
    this.#dialog.addEventListener("close", () => this.#picture.removeAttribute("src"));
  }

  open(pictures, place) {
    this.#pictures = pictures;
    this.#dialog.showModal();
    this.#show(place);
    this.#close.focus();
  }

  #show(place) {
    if (place < 0 || place >= this.#pictures.length) return;
    this.#place = place;
    const { name } = this.#pictures[place];
    const address = fileAddress(this.#pictures[place]) ?? "";
    this.#name.textContent = name;
    Object.assign(this.#picture, { src: address, alt: name });
    Object.assign(this.#download, { href: address, download: name });
    const isAlone = this.#pictures.length < 2;
    for (const [button, isEnd] of [[this.#previous, place === 0], [this.#next, place === this.#pictures.length - 1]]) {
      button.hidden = isAlone;
      // Not `disabled`: the focus would be lost with the last step.
      button.setAttribute("aria-disabled", String(isEnd));
    }
  }

  #button(name, onclick) {
    const properties = { type: "button", class: `viewer-button ${name}`, "aria-label": text(`file.${name}`), onclick };
    return element("button", properties, icon(name));
  }
}

let shared = null;

/** The page's one viewer, made when it is needed first. */
export function viewer() {
  shared ??= new Viewer();
  return shared;
}
