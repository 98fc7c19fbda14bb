// What the server put into the page: addresses, limits and the words of the reader's language.

const setup = JSON.parse(document.getElementById("setup").textContent);

export const { home, csrfCookie, socket: socketPath, login: loginAddress, maxLength } = setup;

/** What may be sent with a message: `maxFiles`, `maxBytes`; null where nothing may. */
export const uploads = setup.uploads ?? null;

/** Whether to offer dictation and reading aloud. */
export const voice = Boolean(setup.voice);

/** `origin` and `language` where the page is shown inside another site's, else null. */
export const embed = setup.embed ?? null;

/** Who is signed in: "" for nobody; undefined where no session tells, inside another site. */
export const person = setup.person;

/** The page's language, in the reader's own variety of it: dates differ between en-US and en-GB. */
export const language = (navigator.languages ?? []).find(isOfPage) ?? document.documentElement.lang;

function isOfPage(tag) {
  return tag.split("-")[0] === document.documentElement.lang.split("-")[0];
}

/** The text by that name, its `{placeholders}` filled in. */
export function text(name, values = {}) {
  const found = setup.texts[name] ?? name;
  return found.replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
}

export function hasText(name) {
  return name in setup.texts;
}
