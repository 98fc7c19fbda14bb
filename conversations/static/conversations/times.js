// Moments in the reader's language, by the reader's clock and calendar: exact, and how far away.

import { language } from "./setup.js";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The reader's time zone; undefined in a browser that does not tell. */
export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

export const clock = new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit" });
export const full = new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "medium" });

const DATE = { weekday: "short", day: "numeric", month: "short", hour: "numeric", minute: "2-digit" };
const date = new Intl.DateTimeFormat(language, DATE);
const dateWithYear = new Intl.DateTimeFormat(language, { ...DATE, year: "numeric" });
const distance = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });

/** `18:30` today, `Mon 23 Nov, 09:00` on another day, with the year where it is another one. */
export function momentWords(moment, now) {
  if (moment.toDateString() === now.toDateString()) return clock.format(moment);
  return (moment.getFullYear() === now.getFullYear() ? date : dateWithYear).format(moment);
}

/** `in 3 min.`; from a day on by the calendar: `tomorrow`, `in 5 days`. What is past is `now`. */
export function distanceWords(moment, now) {
  const seconds = Math.max(0, Math.round((moment - now) / 1000));
  if (seconds < MINUTE) return distance.format(seconds, "second");
  if (Math.round(seconds / MINUTE) < 60) return distance.format(Math.round(seconds / MINUTE), "minute");
  if (Math.round(seconds / HOUR) < 24) return distance.format(Math.round(seconds / HOUR), "hour");
  return distance.format(Math.round((midnight(moment) - midnight(now)) / 1000 / DAY), "day");
}

function midnight(moment) {
  return new Date(moment).setHours(0, 0, 0, 0);
}
