// What the server made of a reply that still grows: closed pieces, and an end that is replaced.

// Milliseconds after which a frame is late: the server has much to do, or the text is long.
const LATE = 700;

/** Take a `render` frame; false for one that does not continue what is here. */
export function grow(message, { from, to, html, tail }) {
  const known = message.grown;
  if (from !== 0 && from !== known?.pieces.length) return false;
  const grown = from === 0 ? { pieces: [] } : known;
  if (html) grown.pieces.push(html);
  const { length = 0, units = 0 } = grown;
  const walked = unitsOf(message.content, units, to - length);
  message.grown = Object.assign(grown, { length: to, units: walked, tail, at: performance.now() });
  return true;
}

/** Where `count` code points behind `from` end. */
function unitsOf(text, from, count) {
  let index = from;
  for (; count > 0 && index < text.length; count -= 1) {
    index += text.codePointAt(index) > 0xffff ? 2 : 1;
  }
  return index;
}

/** The text behind what was rendered, where the next frame is late: else it would flicker. */
export function restOf(message, now) {
  const { units, at } = message.grown;
  return now - at < LATE ? "" : message.content.slice(units);
}
