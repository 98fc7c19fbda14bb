// Small elements made by hand: no markup from strings, which the page's policy and safety rule out.

const SVG = "http://www.w3.org/2000/svg";

/** `element("button", {class: "x", onclick: f}, "text", child)` */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("aria-hidden", "true");
  svg.append(document.createElementNS(SVG, "use"));
  svg.firstChild.setAttribute("href", `#icon-${name}`);
  return svg;
}

export function byId(id) {
  return document.getElementById(id);
}

/** Put the focus where one goes on: into the field, or where that brings a keyboard up, above it. */
export function goOn() {
  const next = byId(matchMedia("(hover: hover)").matches ? "draft" : "transcript");
  next.focus({ preventScroll: true });
}

/** Hide a node, and give the focus on if it is in there. */
export function hide(node, next = goOn) {
  const hadFocus = node.contains(document.activeElement);
  node.hidden = true;
  if (hadFocus) next();
}

/** Run `work` before the next paint, or soon when nothing is painted because the tab is hidden. */
export function beforePaint(work) {
  if (document.hidden) setTimeout(work, 100);
  else requestAnimationFrame(work);
}
