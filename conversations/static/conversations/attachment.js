// One file beside the draft: its picture or kind, its name, how far it is, and what to do with it.

import { element, icon } from "./dom.js";
import { text } from "./setup.js";
import { aboutFile, fileAddress, isPicture } from "./sizes.js";

// Twice the size at which it is shown, for screens with fine pixels.
const THUMBNAIL = 96;

/** A small picture of an image that is on this device: drawn, since the page's policy loads no blobs. */
async function drawn(file) {
  const bitmap = await createImageBitmap(file);
  const scale = THUMBNAIL / Math.min(bitmap.width, bitmap.height);
  const canvas = element("canvas", { width: THUMBNAIL, height: THUMBNAIL });
  const [width, height] = [bitmap.width * scale, bitmap.height * scale];
  const context = canvas.getContext("2d");
  context.drawImage(bitmap, (THUMBNAIL - width) / 2, (THUMBNAIL - height) / 2, width, height);
  bitmap.close();
  return canvas;
}

export class AttachmentView {
  #item;
  #shown = "";
  #picture = element("span", { class: "attachment-picture" }, icon("file"));
  #name = element("bdi", { class: "attachment-name" });
  #about = element("span", { class: "attachment-about" });
  #progress = element("progress", { max: 100, value: 0 });
  #retry;
  #remove;

  /** actions: `remove()`, `retry()`. */
  constructor(item, actions) {
    this.#item = item;
    this.#retry = this.#button("retry", actions.retry);
    this.#remove = this.#button("cancel", actions.remove);
    const words = element("span", { class: "attachment-words" }, this.#name, this.#about, this.#progress);
    this.node = element("li", { class: "attachment" }, this.#picture, words, this.#retry, this.#remove);
    this.#showPicture();
    this.update();
  }

  update() {
    const { state, name, error, isOffline, mayRetry } = this.#item;
    this.#progress.value = Math.round(this.#item.share * 100);
    const shown = JSON.stringify([state, name, error, isOffline]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.node.dataset.state = state;
    this.node.title = name;
    this.#name.textContent = name;
    this.#about.textContent = this.#words();
    this.#progress.hidden = state !== "sending";
    this.#progress.setAttribute("aria-label", text("file.sending", { name }));
    this.#retry.hidden = state !== "refused" || !mayRetry;
    this.#retry.setAttribute("aria-label", text("file.retry", { name }));
    this.#remove.setAttribute("aria-label", text("file.remove", { name }));
  }

  #words() {
    const { state, error, isOffline } = this.#item;
    if (state === "refused") return error;
    if (state === "waiting") return text(isOffline ? "file.offline" : "file.waiting");
    return aboutFile(this.#item);
  }

  #button(symbol, onclick) {
    return element("button", { type: "button", class: `attachment-${symbol}`, onclick }, icon(symbol));
  }

  #showPicture() {
    const { file, stored } = this.#item;
    if (!isPicture(this.#item)) return;
    if (stored) {
      const src = fileAddress(stored);
      this.#picture.replaceChildren(element("img", { src, alt: "" }));
      return;
    }
    // A file that is no image after all keeps its icon: the site will say what is wrong with it.
    drawn(file).then((canvas) => this.#picture.replaceChildren(canvas), () => {});
  }
}
