// Dictation: what is spoken appears at the cursor, as far as the browser recognizes speech itself.

import { byId, element, icon } from "../dom.js";
import { language, text } from "../setup.js";

const Recognition = window.SpeechRecognition ?? window.webkitSpeechRecognition;
const SENTENCES = {
  "not-allowed": "voice.notAllowed",
  "service-not-allowed": "voice.notAllowed",
  "audio-capture": "voice.noMicrophone",
  "no-speech": "voice.nothingHeard",
  network: "voice.noNetwork",
  "language-not-supported": "voice.noLanguage",
};
const SILENT = new Set(["aborted"]);
// Scripts that put no spaces between words.
const SPACELESS = /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Thai}]/u;

export const isOffered = Boolean(Recognition);

/** Whether a space belongs between what ends with `before` and what begins with `after`. */
function needsSpace(before, after) {
  const [end, start] = [before.at(-1) ?? " ", after[0] ?? " "];
  const isParted = /\s/.test(end + start) || /[([{“"'«]/.test(end) || /[.,!?;:)\]}”»，。！？]/.test(start);
  return !isParted && !SPACELESS.test(end) && !SPACELESS.test(start);
}

export class Dictation {
  #field;
  #failed;
  #recognition = null;
  #before = "";
  #after = "";
  #calm;
  #button = element(
    "button",
    { type: "button", class: "round dictate", "aria-pressed": "false", "aria-label": text("voice.dictate") },
    icon("microphone"),
  );

  /** failed(sentence) is told why it cannot listen. */
  constructor(field, failed) {
    this.#field = field;
    this.#failed = failed;
    this.#calm = field.placeholder;
    this.#listening(false);
    byId("composer").querySelector(".actions").prepend(this.#button);
    this.#button.addEventListener("click", () => (this.#isListening ? this.#finish() : this.#begin()));
    // What is typed meanwhile stays as it is typed.
    field.addEventListener("input", (event) => event.isTrusted && this.end());
    document.addEventListener("keydown", (event) => this.#pressed(event), { capture: true });
    addEventListener("pagehide", () => this.end());
  }

  get #isListening() {
    return this.#button.getAttribute("aria-pressed") === "true";
  }

  /** Listen no more; what is still to be recognized is dropped. */
  end() {
    const recognition = this.#recognition;
    this.#recognition = null;
    recognition?.abort();
    this.#listening(false);
  }

  #begin() {
    this.end();
    const { value, selectionStart, selectionEnd } = this.#field;
    this.#before = value.slice(0, selectionStart);
    this.#after = value.slice(selectionEnd);
    const recognition = new Recognition();
    recognition.lang = /-\w{2}$/.test(language) ? language : { zh: "zh-CN" }[language.split("-")[0]] ?? language;
    recognition.interimResults = true;
    // On Android, results that go on repeat what was said before.
    recognition.continuous = !/Android/.test(navigator.userAgent);
    const whileOwn = (work) => (event) => recognition === this.#recognition && work(event);
    recognition.onresult = whileOwn(({ results }) => this.#write([...results].map(([best]) => best.transcript).join("")));
    recognition.onerror = whileOwn(({ error }) => this.#broke(error));
    recognition.onend = whileOwn(() => {
      this.#recognition = null; // nothing is left to be dropped
      this.#listening(false);
    });
    this.#recognition = recognition;
    this.#listening(true);
    this.#focus();
    recognition.start();
  }

  /** Listen no more, but take what was said until now. */
  #finish() {
    this.#listening(false);
    this.#recognition?.stop();
    this.#focus();
  }

  /** Not on a phone, where the keyboard would come up. */
  #focus() {
    if (matchMedia("(hover: hover)").matches) this.#field.focus();
  }

  #write(spoken) {
    const words = spoken.trim();
    const lead = words && needsSpace(this.#before, words) ? " " : "";
    const rest = words && needsSpace(words, this.#after) ? " " : "";
    const head = this.#before + lead + words;
    this.#field.value = head + rest + this.#after;
    this.#field.setSelectionRange(head.length, head.length);
    this.#field.dispatchEvent(new InputEvent("input", { bubbles: true }));
  }

  #broke(error) {
    this.end();
    if (!SILENT.has(error)) this.#failed(text(SENTENCES[error] ?? "voice.failed"));
  }

  /** Escape ends it, and only it. */
  #pressed(event) {
    if (event.key !== "Escape" || event.isComposing || !this.#isListening) return;
    event.preventDefault();
    event.stopPropagation();
    this.#finish();
  }

  #listening(isOn) {
    this.#button.setAttribute("aria-pressed", String(isOn));
    this.#button.title = text(isOn ? "voice.stopDictating" : "voice.dictate");
    this.#field.placeholder = isOn ? text("voice.listening") : this.#calm;
  }
}
