// Takes what is unsent in another conversation there, on a short-lived socket of its own.

import { CLOSE_GONE, socketAddress } from "./connection.js";
import { errorSentence } from "./status.js";

const DEADLINE = 15_000;
// Passing: the outbox comes again with the same message.
const PASSING = new Set(["rate_limited", "unavailable"]);

export class Courier {
  #handlers;
  /** conversation → its socket; one at a time for each. */
  #sockets = new Map();
  /** Conversations that are gone, or somebody else's. */
  #closed = new Set();

  /** handlers: `stored(clientId)`, `refused(clientId, sentence)`. */
  constructor(handlers) {
    this.#handlers = handlers;
  }

  carry(conversation, frames) {
    if (this.#sockets.has(conversation) || this.#closed.has(conversation)) return;
    const socket = new WebSocket(socketAddress({ conversation }));
    this.#sockets.set(conversation, socket);
    const waiting = new Set(frames.map((frame) => frame.client_id));
    const deadline = setTimeout(() => socket.close(), DEADLINE);
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(data);
      if (frame.type === "welcome") for (const each of frames) socket.send(JSON.stringify(each));
      else this.#settle(frame, waiting);
      if (!waiting.size) socket.close();
    };
    socket.onclose = ({ code }) => {
      clearTimeout(deadline);
      this.#sockets.delete(conversation);
      if (CLOSE_GONE.has(code)) this.#closed.add(conversation);
    };
  }

  #settle({ type, code, detail, client_id: clientId }, waiting) {
    if (!waiting.has(clientId)) return;
    if (type === "message") this.#handlers.stored(clientId);
    else if (type !== "error") return;
    else if (!PASSING.has(code)) this.#handlers.refused(clientId, errorSentence(code, detail));
    waiting.delete(clientId);
  }
}
