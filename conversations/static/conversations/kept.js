// The files of unsent messages, by conversation: kept over reloads, while the site has them too.

import { browser } from "./storage.js";

// The site forgets after a day what no message took.
const KEPT_FOR = 20 * 3_600_000;
const MOST = 20;

function alive() {
  return browser.read("attachments", []).filter(([, , at]) => Date.now() - at < KEPT_FOR);
}

export function keptFiles(conversation) {
  return alive().find(([name]) => name === conversation)?.[1] ?? [];
}

export function keepFiles(conversation, files) {
  const kept = alive().filter(([name]) => name !== conversation);
  if (files.length) kept.push([conversation, files, Date.now()]);
  browser.write("attachments", kept.length ? kept.slice(-MOST) : null);
}
