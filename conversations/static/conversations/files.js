// The files of a message: pictures that open in full, others as what can be downloaded.

import { element, icon } from "./dom.js";
import { text } from "./setup.js";
import { aboutFile, fileAddress, isPicture } from "./sizes.js";
import { viewer } from "./viewer.js";

export class Files {
  #shown = "";
  node = element("div", { class: "files", hidden: true });

  update({ files }) {
    const shown = JSON.stringify(files ?? []);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const all = files ?? [];
    const pictures = all.filter(isPicture);
    this.node.hidden = !all.length;
    this.node.replaceChildren();
    if (pictures.length) {
      const tiles = pictures.map((_, place) => this.#tile(pictures, place));
      this.node.append(element("div", { class: `pictures${pictures.length > 1 ? " several" : ""}` }, ...tiles));
    }
    for (const file of all.filter((each) => !isPicture(each))) this.node.append(this.#chip(file));
  }

  /** Of a fixed size, whatever the picture's own: nothing moves when it is there. */
  #tile(pictures, place) {
    const { name } = pictures[place];
    const picture = element("img", { src: fileAddress(pictures[place]), alt: "", loading: "lazy", decoding: "async" });
    const label = text("file.open", { name });
    const onclick = () => viewer().open(pictures, place);
    const tile = element("button", { type: "button", class: "picture", "aria-label": label, title: name, onclick }, picture);
    picture.addEventListener("error", () => {
      tile.classList.add("missing");
      picture.replaceWith(icon("file"), element("span", {}, text("file.missing")));
    });
    return tile;
  }

  #chip(file) {
    const words = element(
      "span",
      { class: "file-words" },
      element("bdi", { class: "file-name" }, file.name),
      element("span", { class: "file-about" }, aboutFile(file)),
    );
    const label = text("file.download", { name: file.name });
    const properties = { class: "file", href: fileAddress(file), download: file.name, "aria-label": label };
    return element("a", properties, icon("file"), words, icon("download"));
  }
}
