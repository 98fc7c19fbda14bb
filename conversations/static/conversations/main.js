// The chat page: what arrives goes into the store, what is written into the outbox.

import { Composer } from "./composer.js";
import { CLOSE_GONE, CLOSE_LOGIN, Connection } from "./connection.js";
import { host } from "./embedded.js";
import { Outbox } from "./outbox.js";
import { loginAddress, socketPath, text } from "./setup.js";
import { Announcer, ConnectionStatus, errorSentence, Problem } from "./status.js";
import { browser } from "./storage.js";
import { isAsked, Store } from "./store.js";
import { Tasks } from "./tasks.js";
import { zone } from "./times.js";
import { Transcript } from "./transcript.js";

const HISTORY_PAGE = 50;
// A gap is asked about at most this often: what is missing may be on its way.
const RESUME_EVERY = 500;

class Chat {
  #conversation = browser.read("conversation", null);
  #isWelcome = false;
  #isAskingHistory = false;
  #isShowingHistory = false;
  /** Whether the server takes `read` frames: it said in `welcome` how far was read. */
  #keepsRead = false;
  #lastFailed = false;
  #resumeTimer = 0;
  #missingAfter = Infinity;
  /** Everything up to this `seq` is surely here; later frames came, but one may have been lost. */
  #checkpoint = null;
  /** What the checkpoint becomes once the pong behind a `resume` shows that it was answered. */
  #reached = null;

  #problem = new Problem();
  #announcer = new Announcer();
  #status = new ConnectionStatus(() => this.#connection.connect());
  #store = new Store((message, isNew) => this.#changed(message, isNew));
  #outbox = new Outbox((frame) => this.#connection.send(frame));
  #tasks = new Tasks((frame) => this.#connection.send(frame));
  #transcript = new Transcript(this.#store, {
    retry: (message) => this.#retry(message),
    edit: (message) => this.#edit(message),
    earlier: () => this.#askEarlier(),
    read: (seq) => this.#keepsRead && this.#connection.send({ type: "read", seq }),
  });
  #composer = new Composer({ send: (content, files) => this.#write(content, files), stop: () => this.#stop() });
  #connection = new Connection({
    address: () => this.#address(),
    frame: (frame) => this.#received(frame),
    beat: () => {
      this.#reconcile();
      this.#tasks.beat();
    },
    refused: (code) => this.#refused(code),
    state: (state, retryAt) => this.#stateChanged(state, retryAt),
  });

  start() {
    for (const item of this.#outbox.items) this.#showPending(item);
    for (const button of document.querySelectorAll("[data-prompt]")) {
      button.addEventListener("click", () => {
        this.#tasks.close();
        this.#composer.fill(button.dataset.prompt);
      });
    }
    this.#connection.connect();
    // On a phone the keyboard would cover half of what there is to read.
    if (!host.isEmbedded && matchMedia("(hover: hover)").matches) this.#composer.focus();
  }

  // -- what the person does ------------------------------------------------------------------------

  #write(content, files) {
    this.#problem.clear();
    const item = this.#outbox.add(content, files);
    this.#showPending(item);
    if (this.#isWelcome) this.#outbox.send(item.clientId);
    this.#transcript.toEnd();
  }

  #stop() {
    if (!this.#connection.send({ type: "stop" })) this.#problem.show(text("error.not_connected"));
  }

  #retry(message) {
    this.#composer.focus();
    if (message.isPending) {
      this.#store.setError(message.key, null);
      this.#outbox.send(message.key);
    } else if (!this.#connection.send({ type: "retry", id: message.id })) {
      this.#problem.show(text("error.not_connected"));
    }
  }

  #edit(message) {
    this.#outbox.remove(message.key);
    this.#store.removePending(message.key);
    this.#composer.fill(message.content, message.files);
  }

  #askEarlier() {
    if (!this.#transcript.hasEarlier || this.#isAskingHistory) return;
    this.#askHistory(this.#store.oldestSeq);
  }

  // -- what the server says ------------------------------------------------------------------------

  #received(frame) {
    switch (frame.type) {
      case "welcome":
        return this.#welcomed(frame);
      case "message":
        return this.#messageCame(frame);
      case "delta":
        if (!this.#store.append(frame)) this.#askAgain(frame.id);
        return undefined;
      case "status":
        if (!this.#store.setState(frame)) this.#askAgain(frame.id);
        return undefined;
      case "history":
        return this.#historyCame(frame);
      case "tasks":
        return this.#tasks.received(frame);
      case "error":
        return this.#errorCame(frame);
      case "pong":
        this.#checkpoint = this.#reached ?? this.#checkpoint;
        this.#reached = null;
        return undefined;
      default:
        return undefined; // a newer server's frame
    }
  }

  #welcomed({ conversation, seq, read, token }) {
    this.#keepsRead = read !== undefined;
    host.welcomed(token);
    // Another conversation, or one restored from a backup: nothing known here holds any more.
    const isOther = this.#conversation !== conversation || seq < this.#store.seq;
    if (isOther || this.#checkpoint === null) {
      if (this.#checkpoint !== null) this.#store.clear();
      this.#conversation = conversation;
      browser.write("conversation", conversation);
      this.#checkpoint = seq;
      this.#tasks.forget();
      this.#transcript.opened(read ?? seq);
      this.#askHistory(seq + 1);
    }
    this.#isWelcome = true;
    this.#tasks.ask();
    this.#outbox.flush();
  }

  #messageCame(frame) {
    if (frame.client_id) this.#outbox.remove(frame.client_id);
    this.#store.upsert(frame);
    // A resend is answered with the stored message: its place on the page is taken already.
    if (frame.client_id && this.#store.get(`unsent:${frame.client_id}`)) this.#store.removePending(frame.client_id);
  }

  #historyCame({ messages, more }) {
    this.#isAskingHistory = false;
    this.#transcript.prepending(Boolean(more));
    this.#isShowingHistory = true;
    for (const message of messages) this.#messageCame(message);
    this.#isShowingHistory = false;
    this.#store.changed();
  }

  #errorCame({ code, detail, client_id: clientId }) {
    const sentence = errorSentence(code, detail);
    if (clientId && this.#outbox.refuse(clientId, sentence)) this.#store.setError(clientId, sentence);
    else if (clientId || !this.#tasks.failed({ code, detail })) this.#problem.show(sentence);
  }

  // -- what is kept up to date ---------------------------------------------------------------------

  #address() {
    const address = new URL(socketPath, location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    if (this.#conversation) address.searchParams.set("conversation", this.#conversation);
    if (this.#checkpoint !== null) address.searchParams.set("after", this.#checkpoint);
    // By it the server reads and writes times such as 9:00.
    if (zone) address.searchParams.set("timezone", zone);
    for (const [name, value] of Object.entries(host.query)) address.searchParams.set(name, value);
    return address.href;
  }

  #refused(code) {
    if (code === CLOSE_LOGIN) {
      location.assign(loginAddress);
      return true;
    }
    if (CLOSE_GONE.has(code) && this.#conversation) {
      this.#conversation = this.#checkpoint = null;
      browser.write("conversation", null);
      this.#store.clear();
      this.#problem.show(text("startedAnew"));
    }
    return false;
  }

  #stateChanged(state, retryAt) {
    this.#status.set(state, retryAt);
    if (state !== "open") {
      this.#isWelcome = this.#isAskingHistory = false;
      this.#reached = null;
      this.#tasks.disconnected();
    }
    for (const item of this.#outbox.items) this.#showPending(item);
  }

  #askHistory(before) {
    this.#isAskingHistory = this.#connection.send({ type: "history", before, limit: HISTORY_PAGE });
  }

  /** Ask for everything since the last time nothing was missing; costs nothing while all is quiet. */
  #reconcile() {
    const isQuiet = this.#checkpoint >= this.#store.seq && !this.#store.isBusy;
    if (this.#checkpoint === null || isQuiet) return;
    if (this.#connection.send({ type: "resume", after: this.#checkpoint })) this.#reached = this.#store.seq;
  }

  /** Ask for one message again, of which a part or the beginning is missing. */
  #askAgain(id) {
    const after = Math.min(this.#checkpoint, (this.#store.get(id)?.seq || Infinity) - 1);
    this.#missingAfter = Math.min(this.#missingAfter, after);
    if (!this.#resumeTimer) this.#resumeMissing();
  }

  #resumeMissing() {
    this.#resumeTimer = 0;
    if (this.#missingAfter === Infinity) return;
    this.#connection.send({ type: "resume", after: this.#missingAfter });
    this.#missingAfter = Infinity;
    this.#resumeTimer = setTimeout(() => this.#resumeMissing(), RESUME_EVERY);
  }

  #showPending({ clientId, content, createdAt, error, files }) {
    const state = error ? "refused" : this.#connection?.isOpen ? "sending" : "waiting";
    this.#store.addPending({ clientId, content, createdAt, state, files });
    if (error) this.#store.setError(clientId, error);
  }

  #changed(message, isNew) {
    this.#transcript.changed(message, isNew);
    const { isBusy, isEmpty } = this.#store;
    this.#composer.isBusy = isBusy;
    this.#transcript.isEmpty = isEmpty && this.#checkpoint !== null && !this.#isAskingHistory;
    if (this.#isShowingHistory) return;
    if (message && isAsked(message)) this.#lastFailed = message.state === "failed";
    this.#announcer.update(isBusy, this.#lastFailed);
    if (isNew && message.role === "assistant") this.#replyCame(message);
  }

  #replyCame(message) {
    if (!message.replyTo) this.#announcer.say("sayNew");
  }
}

await host.arrived();
new Chat().start();
