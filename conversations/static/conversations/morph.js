// Makes nodes of the page equal to new ones and leaves alone what is equal already: what the
// reader has selected, scrolled or focused in there stays. Step by step, where there is much to do.

// What one step puts there at most, in nodes; only a text that is longer cannot be taken apart.
const STEP = 300;
// As many characters take as long as a node of their own.
const CHARACTERS = 200;
// The first letter is one of Hebrew, Arabic or their kin.
const RIGHT_TO_LEFT = /^\P{L}*[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/u;

/** Make the children of `parent` from the one numbered `first` on equal to those of `fresh`. */
export function morph(parent, fresh, first = 0) {
  finish(morphing(parent, fresh, first));
}

/** Take all steps at once. */
export function finish(steps) {
  while (!steps.next().done);
}

/** As `morph`, in steps: each yields how many nodes it put there. */
export function* morphing(parent, fresh, first = 0) {
  let old = parent.childNodes[first] ?? null;
  let made = fresh.firstChild;
  while (made) {
    const next = made.nextSibling;
    if (!old) yield* putting(made, (node) => parent.append(node), morphing);
    else {
      const following = old.nextSibling;
      if (old.isEqualNode(made)) yield 1;
      else yield* becoming(old, made);
      old = following;
    }
    made = next;
  }
  while (old) {
    const following = old.nextSibling;
    old.remove();
    old = following;
  }
}

/** Fill the empty `parent` from its end on: who reads the end sees it at once, and it stays there. */
export function* filling(parent, fresh) {
  while (fresh.lastChild) yield* putting(fresh.lastChild, (node) => parent.prepend(node), filling);
}

function* becoming(old, made) {
  if (old.nodeType === Node.TEXT_NODE && made.nodeType === Node.TEXT_NODE) growText(old, made.data);
  else if (isSameKind(old, made)) yield* morphing(old, made);
  else yield* putting(made, (node) => old.replaceWith(node), morphing);
}

/** Have `put` put the node there: a heavy one empty at first. */
function* putting(node, put, fill) {
  const weight = weightOf(node);
  if (weight <= STEP || !node.firstElementChild) {
    put(node);
    yield weight;
    return;
  }
  const { dir } = node;
  // Looked for anew with each child that goes or comes, it would take the square of the time.
  if (dir === "auto") node.dir = RIGHT_TO_LEFT.test(node.textContent) ? "rtl" : "ltr";
  const rest = document.createDocumentFragment();
  while (node.firstChild) rest.append(node.firstChild);
  put(node);
  yield* fill(node, rest);
  if (dir) node.dir = dir;
}

function weightOf(node) {
  const nodes = node.nodeType === Node.ELEMENT_NODE ? node.querySelectorAll("*").length : 0;
  return 1 + nodes + node.textContent.length / CHARACTERS;
}

function growText(node, text) {
  if (text.startsWith(node.data)) node.appendData(text.slice(node.data.length));
  else node.data = text;
}

function isSameKind(one, other) {
  return one.nodeType === Node.ELEMENT_NODE && one.cloneNode(false).isEqualNode(other.cloneNode(false));
}
