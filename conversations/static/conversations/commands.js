// The commands offered where a message begins with a slash; sending it needs none of them.

import { byId, element } from "./dom.js";
import { hasText, text } from "./setup.js";
import { announce } from "./status.js";

const ORDER = ["remind", "tasks", "cancel", "pause", "resume", "new", "stop", "help"];
// One word behind a slash of half or full width, and nothing else yet.
const BEGINNING = /^[/／][^\s/／]*$/;

const commands = ORDER.map((name) => ({
  name,
  // In the page's language first; the other one works, and is offered to whoever types it.
  spellings: text(`command.${name}`).split(" "),
  example: hasText(`command.${name}.example`) ? text(`command.${name}.example`) : "",
  about: text(`command.${name}.about`),
}));

/** The commands that `typed` begins, each in the spelling it begins. */
function matching(typed) {
  const wanted = typed.replace("／", "/").toLowerCase();
  const found = commands.map((command) => ({
    ...command,
    spelling: command.spellings.find((spelling) => spelling.startsWith(wanted)),
  }));
  return found.filter((command) => command.spelling);
}

export class CommandList {
  #list = byId("commands");
  #field;
  #complete;
  #found = [];
  #active = 0;

  /** `complete(content)` puts what was chosen into `field`. */
  constructor(field, complete) {
    this.#field = field;
    this.#complete = complete;
    field.addEventListener("blur", () => this.close());
    // The field keeps the focus, and on a phone the keyboard stays.
    this.#list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.#list.addEventListener("mousedown", (event) => event.preventDefault());
  }

  /** Offer what fits what is written now. */
  update() {
    const content = this.#field.value;
    const found = BEGINNING.test(content) ? matching(content) : [];
    if (!found.length) return this.close();
    const isNew = found.map(({ spelling }) => spelling).join() !== this.#found.map(({ spelling }) => spelling).join();
    if (!isNew) return undefined;
    this.#found = found;
    this.#list.replaceChildren(...found.map((command) => this.#option(command)));
    this.#list.hidden = false;
    this.#mark(0);
    announce(text("sayCommands", { count: found.length }));
    return undefined;
  }

  close() {
    this.#found = [];
    this.#list.hidden = true;
    this.#list.replaceChildren();
    this.#field.removeAttribute("aria-activedescendant");
  }

  /** Use a key, if it is for this list; returns whether it was. */
  pressed(event) {
    if (!this.#found.length || event.shiftKey || event.altKey || event.ctrlKey || event.metaKey) return false;
    const use = {
      ArrowDown: () => this.#mark(this.#active + 1),
      ArrowUp: () => this.#mark(this.#active - 1),
      Tab: () => this.#choose(this.#found[this.#active]),
      Enter: () => this.#choose(this.#found[this.#active]),
      Escape: () => this.close(),
    }[event.key];
    // A command that is written out is sent: Enter means what it always means.
    const isWhole = event.key === "Enter" && this.#active === 0 && this.#isWritten(this.#found[0]);
    if (!use || isWhole) return false;
    event.preventDefault();
    use();
    return true;
  }

  #isWritten({ spelling }) {
    return this.#field.value.replace("／", "/").toLowerCase() === spelling;
  }

  #mark(index) {
    this.#active = (index + this.#found.length) % this.#found.length;
    [...this.#list.children].forEach((option, position) => {
      option.setAttribute("aria-selected", String(position === this.#active));
    });
    const option = this.#list.children[this.#active];
    this.#field.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  #choose({ spelling, example }) {
    this.#complete(example ? `${spelling} ` : spelling);
    this.close();
  }

  #option(command) {
    // The example is in the page's language, as the spelling may not be.
    const example = command.spelling === command.spellings[0] ? ` ${command.example}` : "";
    const name = element("span", {}, element("b", {}, command.spelling), example);
    const about = element("span", { class: "command-about" }, command.about);
    const properties = { role: "option", id: `command-${command.name}`, class: "command" };
    const option = element("li", properties, name, " ", about);
    option.addEventListener("click", () => this.#choose(command));
    return option;
  }
}
