// Buttons that every message has: what they say, and what copying does.

import { copy } from "./clipboard.js";
import { element, icon } from "./dom.js";
import { text } from "./setup.js";

/** Copy, and say on the button whether it worked. */
export function copyButton(label, findText) {
  const words = element("span", {}, label);
  const button = element("button", { type: "button", class: "button quiet copy" }, icon("copy"), words);
  button.addEventListener("click", async () => {
    words.textContent = (await copy(findText())) ? text("copied") : text("copyFailed");
    setTimeout(() => (words.textContent = label), 2_000);
  });
  return button;
}

export function actionButton(action, onclick) {
  const properties = { type: "button", class: `button small ${action}`, onclick };
  return element("button", properties, icon(action), text(action));
}
