// What the server put into the page: addresses, limits and the words of the reader's language.

const setup = JSON.parse(document.getElementById("setup").textContent);

export const { socket: socketPath, login: loginAddress, maxLength } = setup;
export const language = document.documentElement.lang;

/** The text by that name, its `{placeholders}` filled in. */
export function text(name, values = {}) {
  const found = setup.texts[name] ?? name;
  return found.replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
}

export function hasText(name) {
  return name in setup.texts;
}
