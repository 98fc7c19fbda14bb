// Makes nodes of the page equal to new ones and leaves alone what is equal already: what the
// reader has selected, scrolled or focused in there stays.

/** Make the children of `parent` from the one numbered `first` on equal to those of `fresh`. */
export function morph(parent, fresh, first = 0) {
  let old = parent.childNodes[first] ?? null;
  let made = fresh.firstChild;
  while (made) {
    const next = made.nextSibling;
    if (!old) parent.append(made);
    else {
      const following = old.nextSibling;
      if (!old.isEqualNode(made)) become(old, made);
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

function become(old, made) {
  if (old.nodeType === Node.TEXT_NODE && made.nodeType === Node.TEXT_NODE) growText(old, made.data);
  else if (isSameKind(old, made)) morph(old, made);
  else old.replaceWith(made);
}

function growText(node, text) {
  if (text.startsWith(node.data)) node.appendData(text.slice(node.data.length));
  else node.data = text;
}

function isSameKind(one, other) {
  return one.nodeType === Node.ELEMENT_NODE && one.cloneNode(false).isEqualNode(other.cloneNode(false));
}
