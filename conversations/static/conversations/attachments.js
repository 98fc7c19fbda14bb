// Files beside the draft: picked, pasted or dropped, sent to the site at once, and with the message.

import { AttachmentView } from "./attachment.js";
import { byId } from "./dom.js";
import { DropZone } from "./dropzone.js";
import { keepFiles, keptFiles } from "./kept.js";
import { text, uploads } from "./setup.js";
import { sizeOf } from "./sizes.js";
import { Transfer } from "./transfer.js";

// At once: more would only slow down the first.
const TOGETHER = 2;
const FIRST_PAUSE = 2_000;
const LONGEST_PAUSE = 30_000;

/** Each is `waiting`, `sending`, `ready` or `refused`; `isOffline` when it waits for the connection. */
export class Attachments {
  #items = [];
  #trays = new Map();
  #conversation = null;
  #list = byId("attachments");
  #note = byId("attachments-note");
  #status = byId("attachments-status");
  #pause = FIRST_PAUSE;
  #timer = 0;
  #held = null;
  #handlers;

  /** handlers: `changed()` when something was added, removed, finished or refused; `focus()` for the draft. */
  constructor(handlers) {
    this.#handlers = handlers;
    if (!uploads) return;
    const input = byId("files");
    byId("attach").addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      this.add(input.files);
      input.value = "";
    });
    document.addEventListener("paste", (event) => this.#pasted(event));
    new DropZone((files) => this.add(files));
    addEventListener("online", () => this.#goOn());
    // Later: whoever makes this one is not complete yet.
    queueMicrotask(() => this.#items.length || this.fill(keptFiles(this.#conversation)));
  }

  get isEmpty() {
    return this.#items.every((item) => item.state === "refused");
  }

  /** Whether a file is still on its way: a message waits for it. */
  get isBusy() {
    return this.#items.some(({ state }) => state === "waiting" || state === "sending");
  }

  /** What the site has, as it told: `id`, `url`, `name`, `type`, `size`. */
  get files() {
    return this.#items.filter((item) => item.state === "ready").map((item) => item.stored);
  }

  /** Do `work` once every file is there; not where one is refused: the person decides then. */
  whenReady(work) {
    this.#held = work;
    this.#say(text("file.held"));
  }

  /** The files that go with the message; afterwards there are none. */
  take() {
    const files = this.files;
    for (const item of [...this.#items]) this.#drop(item);
    if (uploads) this.#changed("");
    return files;
  }

  /** Put files back that the site has: of a message that is written anew. */
  fill(files) {
    if (!uploads || !files?.length) return;
    for (const stored of files) this.#insert({ state: "ready", stored, ...stored });
    this.#changed();
  }

  /**
   * Show the files of another conversation's draft; what is on its way here goes on. What was added
   * before there was any conversation goes along into it.
   */
  open(conversation) {
    if (!uploads || conversation === this.#conversation) return;
    const carried = this.#conversation === null ? this.#items.splice(0) : [];
    if (carried.length) keepFiles(null, []);
    this.#trays.set(this.#conversation, this.#items);
    this.#conversation = conversation;
    this.#items = this.#trays.get(conversation) ?? [];
    if (!carried.length) this.#held = null;
    this.#list.replaceChildren(...this.#items.map((item) => item.view.node));
    const kept = this.#items.length ? [] : keptFiles(conversation);
    for (const item of carried) this.#take(item);
    this.fill(kept);
    this.#changed(this.#held ? text("file.held") : "");
  }

  /** Its conversation is gone: the files go along into the next one. */
  release() {
    keepFiles(this.#conversation, []);
    this.#conversation = null;
    keepFiles(null, this.files);
  }

  add(files) {
    if (!uploads) return;
    const room = uploads.maxFiles - this.#items.filter((item) => item.state !== "refused").length;
    const chosen = [...files];
    this.#say(chosen.length > room ? text("file.too_many", { limit: uploads.maxFiles }) : "");
    for (const file of chosen.slice(0, Math.max(room, 0))) this.#addOne(file);
    this.#goOn();
    this.#changed();
    this.#handlers.focus();
  }

  #addOne(file) {
    const item = this.#insert({ state: "waiting", file, name: file.name, type: file.type, size: file.size });
    if (file.size > uploads.maxBytes) this.#refuse(item, "too_large");
    else if (!file.size) this.#refuse(item, "empty");
  }

  #insert(fields) {
    const item = { share: 0, ...fields };
    item.view = new AttachmentView(item, { remove: () => this.#remove(item), retry: () => this.#retry(item) });
    this.#take(item);
    return item;
  }

  #take(item) {
    item.tray = this.#items;
    this.#items.push(item);
    this.#list.append(item.view.node);
  }

  // -- sending them -------------------------------------------------------------------------------

  /** Begin with what waits, as many as may go together. */
  #goOn() {
    clearTimeout(this.#timer);
    const all = [...new Set([...this.#trays.values(), this.#items])].flat();
    let free = TOGETHER - all.filter((item) => item.state === "sending").length;
    for (const item of all) {
      if (free > 0 && item.state === "waiting" && navigator.onLine) {
        this.#send(item);
        free -= 1;
      } else if (item.state === "waiting") {
        item.isOffline = !navigator.onLine;
      }
      item.view.update();
    }
  }

  #send(item) {
    Object.assign(item, { state: "sending", share: 0, isOffline: false, error: "" });
    item.transfer = new Transfer(item.file, {
      progress: (share) => {
        item.share = share;
        item.view.update();
      },
      done: (stored) => this.#sent(item, stored),
      failed: (error) => this.#failed(item, error),
    });
  }

  #sent(item, stored) {
    Object.assign(item, { state: "ready", stored, name: stored.name, type: stored.type, transfer: null });
    this.#pause = FIRST_PAUSE;
    this.#status.textContent = text("file.ready", { name: item.name });
    this.#goOn();
    this.#changed();
  }

  #failed(item, error) {
    if (error.isPassing) {
      Object.assign(item, { state: "waiting", isOffline: true });
      item.view.update();
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#goOn(), this.#pause);
      this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
      return;
    }
    this.#refuse(item, error.code);
    this.#goOn();
    this.#changed();
  }

  #refuse(item, code) {
    const known = uploads.refusals.includes(code) ? code : "other";
    item.error = text(`file.${known}`, { limit: sizeOf(uploads.maxBytes) });
    // Another try helps only where the site, not the file, was the reason.
    Object.assign(item, { state: "refused", mayRetry: ["quota", "other"].includes(known), transfer: null });
    item.view.update();
    this.#status.textContent = `${item.name}: ${item.error}`;
  }

  #retry(item) {
    item.state = "waiting";
    this.#goOn();
    this.#changed();
  }

  // -- taking them away ---------------------------------------------------------------------------

  #remove(item) {
    const next = item.view.node.nextElementSibling ?? item.view.node.previousElementSibling;
    this.#drop(item);
    this.#goOn();
    this.#changed("");
    const button = next?.querySelector("button:not([hidden])");
    if (button) button.focus();
    else this.#handlers.focus();
  }

  #drop(item) {
    item.transfer?.abort();
    item.state = "gone";
    item.tray.splice(item.tray.indexOf(item), 1);
    item.view.node.remove();
  }

  #pasted(event) {
    const { files, types } = event.clipboardData;
    const isElsewhere = event.target.closest?.("input, textarea:not(#draft), dialog");
    // Office programs put a picture of the text beside it: the text is meant.
    if (!files.length || types.includes("text/plain") || isElsewhere) return;
    event.preventDefault();
    this.add(files);
  }

  #say(sentence) {
    this.#note.textContent = sentence;
    this.#note.hidden = !sentence;
  }

  /** `note` stands below the files from now on, where one is given. */
  #changed(note) {
    if (note !== undefined) this.#say(note);
    this.#list.hidden = !this.#items.length;
    keepFiles(this.#conversation, this.files);
    this.#handlers.changed();
    if (!this.#held || this.isBusy) return;
    const work = this.#held;
    this.#held = null;
    this.#say("");
    if (this.#items.every((item) => item.state === "ready")) work();
  }
}
