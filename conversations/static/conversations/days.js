// The days of a transcript: which one a message belongs to, and the headings between them.

import { element } from "./dom.js";
import { language, text } from "./setup.js";

const longDay = new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long", year: "numeric" });

/** The beginning of the reader's day in which that was: a number that can be compared. */
export function dayOf(createdAt) {
  return (createdAt ? new Date(createdAt) : new Date()).setHours(0, 0, 0, 0);
}

function dayLabel(day, now) {
  if (day === now.setHours(0, 0, 0, 0)) return text("today");
  now.setDate(now.getDate() - 1);
  return day === now.getTime() ? text("yesterday") : longDay.format(new Date(day));
}

export class Days {
  #nodes = new Map();

  /** The heading of that day, always the same node. */
  heading(day) {
    const node = this.#nodes.get(day) ?? element("h2", { class: "day" });
    this.#nodes.set(day, node);
    const label = dayLabel(day, new Date());
    if (node.textContent !== label) node.textContent = label;
    return node;
  }

  keep(days) {
    for (const day of this.#nodes.keys()) if (!days.has(day)) this.#nodes.delete(day);
  }
}
