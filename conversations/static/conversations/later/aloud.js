// Reading a reply aloud, with the voices that the browser has; one at a time.

import { icon } from "../dom.js";
import { language, text } from "../setup.js";

// Some browsers fall silent in the middle of long texts.
const LONGEST = 220;
const BLOCKS = "p, li, h1, h2, h3, h4, h5, h6, tr, pre, blockquote, br, hr";
const SCRIPTS = [
  ["ja", /[\p{sc=Hiragana}\p{sc=Katakana}]/gu],
  ["ko", /\p{sc=Hangul}/gu],
  ["zh", /\p{sc=Han}/gu],
  ["ru", /\p{sc=Cyrillic}/gu],
  ["ar", /\p{sc=Arabic}/gu],
  ["he", /\p{sc=Hebrew}/gu],
  ["el", /\p{sc=Greek}/gu],
  ["hi", /\p{sc=Devanagari}/gu],
  ["th", /\p{sc=Thai}/gu],
];
const DEFAULTS = { zh: "zh-CN", en: "en-US" };

let current = null;

/** Read what is in `body` aloud, or stop if that is what is being read; `button` shows which. */
export function toggle(body, button) {
  const isOwn = current?.button === button;
  stop();
  if (isOwn) return;
  const pieces = sentencesOf(linesOf(body));
  if (pieces.length) start(pieces, button);
}

export function stop() {
  if (!current) return;
  const { button } = current;
  current = null;
  speechSynthesis.cancel();
  mark(button, false);
}

function start(pieces, button) {
  const reading = { button };
  current = reading;
  mark(button, true);
  const lang = languageOf(pieces.join(" "));
  const voice = voiceFor(lang);
  pieces.forEach((piece, place) => {
    const utterance = new SpeechSynthesisUtterance(piece);
    utterance.lang = voice?.lang ?? lang;
    if (voice) utterance.voice = voice;
    const whileOwn = (work) => () => current === reading && work();
    // Of a reply that is not on the page any more nothing more is read.
    utterance.onstart = whileOwn(() => button.isConnected || stop());
    utterance.onerror = whileOwn(stop);
    if (place === pieces.length - 1) utterance.onend = whileOwn(stop);
    speechSynthesis.speak(utterance);
  });
}

function mark(button, isReading) {
  button.setAttribute("aria-pressed", String(isReading));
  button.title = text(isReading ? "voice.stopReading" : "tool.aloud");
  button.replaceChildren(icon(isReading ? "stop" : "speaker"));
}

/** What is to be read, block by block: of code only that it is there. */
function linesOf(body) {
  const copy = body.cloneNode(true);
  for (const head of copy.querySelectorAll(".code-head")) head.remove();
  for (const code of copy.querySelectorAll(".code pre")) code.textContent = text("code");
  const texts = document.createTreeWalker(copy, NodeFilter.SHOW_TEXT);
  // Breaks of its source are none of the text.
  while (texts.nextNode()) texts.currentNode.data = texts.currentNode.data.replace(/\s+/g, " ");
  for (const cell of copy.querySelectorAll("th, td")) cell.append(",");
  for (const block of copy.querySelectorAll(BLOCKS)) {
    block.before("\n");
    block.after("\n");
  }
  const lines = copy.textContent.split("\n").map((line) => line.replace(/ ,/g, ",").replace(/[\s,]+$/, "").trim());
  return lines.filter((line) => /[\p{L}\p{N}]/u.test(line));
}

/** The lines in pieces that are not too long, parted where a sentence ends if possible. */
function sentencesOf(lines) {
  const pieces = [];
  for (const line of lines) {
    let piece = "";
    for (const part of line.split(/(?<=[.!?…]\s)|(?<=[。！？；])/u).flatMap(shortened)) {
      if (piece && piece.length + part.length > LONGEST) {
        pieces.push(piece.trim());
        piece = "";
      }
      piece += part;
    }
    if (piece.trim()) pieces.push(piece.trim());
  }
  return pieces;
}

function shortened(part) {
  return part.length > LONGEST ? part.match(/.{1,180}(?:[\s,，、]|$)|.{1,180}/gsu) : [part];
}

/** The language of a text by the script of most of it; in Latin letters that of the page. */
function languageOf(words) {
  const least = (words.match(/\p{sc=Latin}/gu)?.length ?? 0) / 4;
  const found = SCRIPTS.find(([, letters]) => (words.match(letters)?.length ?? 0) > least)?.[0];
  const [base] = language.split("-");
  if (found ? found === base : !SCRIPTS.some(([name]) => name === base)) {
    return language.includes("-") && !/hans/i.test(language) ? language : DEFAULTS[base] ?? language;
  }
  return DEFAULTS[found ?? "en"] ?? found;
}

/** A voice of that language, if possible of just that variety and on the device itself. */
function voiceFor(lang) {
  const base = lang.split("-")[0];
  const tag = (voice) => voice.lang.replace("_", "-");
  const voices = speechSynthesis.getVoices().filter((voice) => tag(voice).split("-")[0] === base);
  const score = (voice) => 2 * (tag(voice) === lang) + 1 * voice.localService;
  return voices.sort((one, other) => score(other) - score(one))[0];
}

addEventListener("pagehide", stop);
