// The whole page takes files that are dropped on it, and shows so while they are held above it.

import { element, icon } from "./dom.js";
import { text } from "./setup.js";

// Leaving one element is followed at once by entering the next: only a longer pause is the end.
const LINGER = 120;

export class DropZone {
  #dropped;
  #timer = 0;
  #node = element(
    "div",
    { class: "dropzone", hidden: true, "aria-hidden": "true" },
    element("p", {}, icon("clip"), text("file.drop")),
  );

  constructor(dropped) {
    this.#dropped = dropped;
    document.body.append(this.#node);
    for (const name of ["dragenter", "dragover"]) document.addEventListener(name, (event) => this.#over(event));
    document.addEventListener("dragleave", () => this.#hideSoon());
    document.addEventListener("drop", (event) => this.#drop(event));
  }

  #over(event) {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault(); // else the browser would leave the page and open the file
    event.dataTransfer.dropEffect = "copy";
    clearTimeout(this.#timer);
    this.#node.hidden = Boolean(document.querySelector("dialog:modal"));
  }

  #hideSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (this.#node.hidden = true), LINGER);
  }

  #drop(event) {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    clearTimeout(this.#timer);
    const isTaken = !document.querySelector("dialog:modal");
    this.#node.hidden = true;
    // A folder is a file without a type that cannot be read.
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.());
    const files = [...event.dataTransfer.files].filter((_, place) => !entries[place]?.isDirectory);
    if (isTaken && files.length) this.#dropped(files);
  }
}
