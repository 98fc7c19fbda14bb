// What is told of files: their size and kind, as short as a person says them, and where they are.

import { addressOf } from "./api.js";
import { language } from "./setup.js";

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte"];

/** `1.2 MB` in the reader's language. */
export function sizeOf(bytes) {
  let step = 0;
  let number = bytes;
  while (number >= 1000 && step < UNITS.length - 1) {
    number /= 1024;
    step += 1;
  }
  if (!step) return `${number} B`; // "840 byte" in words
  const maximumFractionDigits = step > 1 && number < 10 ? 1 : 0;
  const options = { style: "unit", unit: UNITS[step], unitDisplay: "short", maximumFractionDigits };
  return new Intl.NumberFormat(language, options).format(number);
}

/** The ending of a file's name, which people know kinds of files by; "" without one. */
export function endingOf(name) {
  const [, ending] = name.match(/\.([\p{L}\p{N}]{1,5})$/u) ?? [];
  return (ending ?? "").toUpperCase();
}

/** What stands below a file's name. */
export function aboutFile({ name, size }) {
  return [endingOf(name), sizeOf(size)].filter(Boolean).join(" · ");
}

/** Where a file is; null for an address that is none of the site's own files. */
export function fileAddress({ url }) {
  return url.startsWith("/media/") ? addressOf(url).href : null;
}

export function isPicture({ type }) {
  return /^image\/(png|jpe?g|gif|webp)$/.test(type);
}
