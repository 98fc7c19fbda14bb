// The WebSocket that is always coming back: reconnects with growing pauses, notices dead links.

import { host } from "./embedded.js";
import { socketPath } from "./setup.js";
import { zone } from "./times.js";

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15_000;
const CONNECT_DEADLINE = 10_000;
const PING_EVERY = 20_000;
const PONG_DEADLINE = 10_000;
// After waking up or changing networks the link is probably dead: find out sooner.
const QUICK_DEADLINE = 3_000;

export const CLOSE_LOGIN = 4401;
export const CLOSE_GONE = new Set([4403, 4404]);
const CLOSE_FLOOD = 4429;

/** Where the socket is, with `fields` in its query: those that are null are left out. */
export function socketAddress(fields) {
  const address = new URL(socketPath, location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  // By the zone the server reads and writes times such as 9:00.
  for (const [name, value] of Object.entries({ ...fields, timezone: zone, render: 1, ...host.query })) {
    if (value != null) address.searchParams.set(name, value);
  }
  return address.href;
}

/**
 * handlers: `address()` the URL to connect to; `frame(object)`; `beat()` every 20 s while open;
 * `state(name, retryAt)` with "connecting", "open" or "waiting"; `refused(code)` for a close code
 * after which the same address must not be tried again (return true when it was dealt with).
 */
export class Connection {
  #handlers;
  #socket = null;
  #failures = 0;
  #reconnect = 0;
  #connectDeadline = 0;
  #heartbeat = 0;
  #deadline = 0;

  constructor(handlers) {
    this.#handlers = handlers;
    addEventListener("online", () => this.check());
    addEventListener("pageshow", (event) => event.persisted && this.check());
    document.addEventListener("visibilitychange", () => document.hidden || this.check());
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Connect now, whatever pause is left. */
  connect() {
    this.#drop();
    this.#handlers.state("connecting");
    const socket = new WebSocket(this.#handlers.address());
    this.#socket = socket;
    this.#connectDeadline = setTimeout(() => this.#lost(0), CONNECT_DEADLINE);
    socket.onopen = () => this.#opened();
    socket.onmessage = (event) => this.#received(event.data);
    socket.onclose = (event) => this.#lost(event.code);
  }

  /** Make sure the link lives: ask if it seems open, connect if it is not. */
  check() {
    if (this.isOpen) this.#ping(QUICK_DEADLINE);
    else if (this.#socket?.readyState !== WebSocket.CONNECTING) this.connect();
  }

  /** Send `frame`; false when there is no connection to send it on. */
  send(frame) {
    if (!this.isOpen) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  #opened() {
    clearTimeout(this.#connectDeadline);
    this.#heartbeat = setInterval(() => {
      this.#handlers.beat();
      this.#ping(PONG_DEADLINE);
    }, PING_EVERY);
    this.#handlers.state("open");
  }

  #received(data) {
    clearTimeout(this.#deadline);
    this.#deadline = 0;
    let frame;
    try {
      frame = JSON.parse(data);
    } catch {
      return; // Not a frame of this protocol: nothing to show, nothing to lose.
    }
    // Only a welcome proves that the server works: one that accepts and dies keeps the pauses long.
    if (frame.type === "welcome") this.#failures = 0;
    this.#handlers.frame(frame);
  }

  #ping(deadline) {
    this.send({ type: "ping" });
    if (!this.#deadline) this.#deadline = setTimeout(() => this.#lost(0), deadline);
  }

  #lost(code) {
    this.#drop();
    if (this.#handlers.refused(code)) return;
    const most = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this.#failures);
    this.#failures += 1;
    // Jitter, so that a restarted server is not met by every page in the same instant.
    const pause = code === CLOSE_FLOOD ? LONGEST_PAUSE : most * (0.5 + Math.random() / 2);
    this.#reconnect = setTimeout(() => this.connect(), pause);
    this.#handlers.state("waiting", Date.now() + pause);
  }

  /** Forget the socket without waiting for it: on a dead link `close` takes a minute to be heard. */
  #drop() {
    for (const timer of [this.#reconnect, this.#connectDeadline, this.#deadline]) clearTimeout(timer);
    clearInterval(this.#heartbeat);
    this.#deadline = 0;
    if (!this.#socket) return;
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = null;
  }
}
