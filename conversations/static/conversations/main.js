// The chat page: what arrives goes into the store, what is written into the outbox.

import { Composer } from "./composer.js";
import { CLOSE_GONE, CLOSE_LOGIN, Connection, socketAddress } from "./connection.js";
import { byId, goOn } from "./dom.js";
import { host } from "./embedded.js";
import { Outbox } from "./outbox.js";
import { Place } from "./place.js";
import { Resuming } from "./resuming.js";
import { Seeking } from "./seeking.js";
import { loginAddress, text } from "./setup.js";
import { Shortcuts } from "./shortcuts.js";
import { Sidebar } from "./sidebar.js";
import { Speaking } from "./speaking.js";
import { Announcer, ConnectionStatus, errorSentence, Problem } from "./status.js";
import { isAsked, Store } from "./store.js";
import { Tasks } from "./tasks.js";
import { Transcript } from "./transcript.js";

const HISTORY_PAGE = 50;
// And on the way to a message that was searched for.
const LONG_PAGE = 100;

class Chat {
  /** What the page is called by itself. */
  #site = document.title;
  #isWelcome = false;
  /** Whether this connection is to bring what was missed since the one before. */
  #isResuming = false;
  #isAskingHistory = false;
  #isShowingHistory = false;
  /** Whether the server takes `read` frames: it said in `welcome` how far was read. */
  #keepsRead = false;
  #lastFailed = false;
  #isBusy = false;

  #problem = new Problem();
  #announcer = new Announcer();
  #status = new ConnectionStatus(() => this.#connection.connect());
  #store = new Store((message, isNew) => this.#changed(message, isNew));
  #outbox = new Outbox({
    transmit: (frame) => this.#connection.send(frame),
    changed: (item) => this.#speaking.show(item),
    gone: (clientId) => this.#speaking.sentElsewhere(clientId),
  });
  #resuming = new Resuming(this.#store, (frame) => this.#connection.send(frame));
  #tasks = new Tasks((frame) => this.#connection.send(frame));
  #transcript = new Transcript(this.#store, {
    retry: (message) => this.#speaking.retry(message),
    edit: (message) => this.#speaking.edit(message),
    revise: (message, content) => this.#anew(message, content),
    isRepeatable: (reply) => this.#store.repeatable(reply) !== null,
    again: (reply) => this.#anew(this.#store.repeatable(reply)),
    choose: (id, step) => this.#ask({ type: "choose", id }) && this.#transcript.chosen(id, step),
    remove: ({ id }) => this.#ask({ type: "delete", id }) && goOn(),
    earlier: () => this.#askEarlier(),
    read: (seq) => this.#keepsRead && this.#connection.send({ type: "read", seq }),
    unread: (count) => host.unread(count),
  });
  #composer = new Composer({
    send: (content, files) => this.#write(content, files),
    stop: () => this.#stop(),
    recall: () => this.#speaking.recall(),
    failed: (sentence) => this.#problem.show(sentence),
  });
  #connection = new Connection({
    address: () => this.#address(),
    frame: (frame) => this.#received(frame),
    beat: () => {
      this.#resuming.reconcile();
      this.#tasks.beat();
      this.#sidebar.refresh();
    },
    refused: (code) => this.#refused(code),
    state: (state, retryAt) => this.#stateChanged(state, retryAt),
  });
  #speaking = new Speaking({
    store: this.#store,
    outbox: this.#outbox,
    composer: this.#composer,
    transcript: this.#transcript,
    link: {
      isOpen: () => this.#connection.isOpen,
      isWelcome: () => this.#isWelcome,
      ask: (frame) => this.#ask(frame),
    },
  });
  #seeking = new Seeking(this.#store, this.#transcript, {
    ask: () => this.#askHistory(this.#store.oldestSeq, LONG_PAGE),
    choose: (id) => this.#connection.send({ type: "choose", id }),
    missing: () => this.#problem.show(text("notShown")),
  });
  #place = new Place((id) => this.#show(id));
  #sidebar = new Sidebar({
    open: (id, message) => this.#open(id, message),
    failed: (error) => this.#problem.show(errorSentence(error.code, error.detail)),
    titled: (title) => this.#titled(title),
  });

  start() {
    new Shortcuts();
    this.#enter();
    for (const button of document.querySelectorAll("[data-prompt]")) {
      button.addEventListener("click", () => {
        this.#tasks.close();
        this.#composer.fill(button.dataset.prompt);
      });
    }
    for (const button of document.querySelectorAll("[data-ask]")) {
      button.addEventListener("click", () => this.#write(button.dataset.ask));
    }
    byId("jump").addEventListener("click", goOn); // it goes away
    this.#connection.connect();
    // On a phone the keyboard would cover half of what there is to read.
    if (!host.isEmbedded && matchMedia("(hover: hover)").matches) this.#composer.focus();
  }

  // -- which conversation is open ------------------------------------------------------------------

  /** Open a conversation, at a message of it; without `id` the latest one. */
  #open(id, message = null) {
    this.#seeking.begin(message);
    if (id !== null && id === this.#place.id) return this.#seeking.look();
    if (id === null) this.#place.settle(null);
    else this.#place.go(id);
    return this.#show(id, message);
  }

  /** Show another conversation in place of this one: its messages, its draft, its tasks. */
  #show(id, message = null) {
    this.#place.id = id;
    this.#seeking.begin(message);
    this.#problem.clear();
    this.#forget();
    this.#enter();
    this.#connection.connect();
    if (!message && host.isOpen && matchMedia("(hover: hover)").matches) this.#composer.focus();
  }

  #forget() {
    this.#transcript.closed();
    this.#status.forget();
    this.#announcer = new Announcer(); // what goes on in the one that is left is not told here
    this.#resuming.forget();
    this.#store.clear();
    this.#speaking.hideAll();
  }

  #enter() {
    const { id } = this.#place;
    this.#outbox.open(id);
    this.#composer.open(id);
    this.#sidebar.current = id;
    this.#speaking.showAll();
  }

  /** The open conversation is no more: show the latest of the others. */
  #gone() {
    this.#outbox.abandon(this.#place.id);
    this.#composer.release();
    this.#place.settle(null);
    this.#show(null);
    this.#problem.show(text("startedAnew"));
    this.#sidebar.refresh();
  }

  #titled(title) {
    this.#transcript.unread.title = title ? `${title} · ${this.#site}` : this.#site;
  }

  // -- what the person does ------------------------------------------------------------------------

  #write(content, files) {
    this.#problem.clear();
    this.#speaking.write(content, files);
  }

  #anew(message, content) {
    this.#problem.clear();
    this.#speaking.anew(message, content);
  }

  #stop() {
    this.#ask({ type: "stop" });
  }

  /** Have something done at once; says so when that cannot be. */
  #ask(frame) {
    const isSent = this.#connection.send(frame);
    if (!isSent) this.#problem.show(text("error.not_connected"));
    return isSent;
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
        this.#messageCame(frame);
        return this.#isAskingHistory || this.#seeking.look();
      case "delta":
        if (!this.#store.append(frame)) this.#resuming.askAgain(frame.id);
        return undefined;
      case "render":
        return this.#store.render(frame);
      case "status":
        if (!this.#store.setState(frame)) this.#resuming.askAgain(frame.id);
        return undefined;
      case "history":
        return this.#historyCame(frame);
      case "tasks":
        return this.#tasks.received(frame);
      case "error":
        return this.#errorCame(frame);
      case "pong":
        return this.#answered();
      case "conversation":
        return frame.deleted ? this.#gone() : this.#sidebar.renamed(frame);
      default:
        return undefined; // a newer server's frame
    }
  }

  #answered() {
    this.#resuming.answered();
    if (this.#isResuming) this.#status.resumed();
    this.#isResuming = false;
  }

  #welcomed({ conversation, seq, read, token }) {
    this.#keepsRead = read !== undefined;
    host.welcomed(token);
    // Another conversation, or one restored from a backup: nothing known here holds any more.
    const isOther = this.#place.id !== conversation || seq < this.#store.seq;
    this.#isResuming = !isOther && this.#resuming.checkpoint !== null;
    if (!this.#isResuming) {
      if (this.#resuming.checkpoint !== null) this.#store.clear();
      this.#place.settle(conversation);
      this.#enter();
      this.#resuming.checkpoint = seq;
      this.#tasks.forget();
      this.#transcript.opened(read ?? seq);
      this.#askHistory(seq + 1);
    }
    this.#isWelcome = true;
    // The server answers behind all that was missed.
    if (this.#isResuming) this.#connection.send({ type: "ping" });
    this.#tasks.ask();
    this.#outbox.flush();
  }

  #messageCame(frame) {
    if (frame.client_id) this.#outbox.remove(frame.client_id);
    this.#store.upsert(frame);
    // A resend is answered with the stored message: its place on the page is taken already.
    if (frame.client_id && this.#store.get(`unsent:${frame.client_id}`)) this.#store.removePending(frame.client_id);
  }

  #historyCame({ messages, more, versions }) {
    this.#isAskingHistory = false;
    if (!more && byId("earlier").contains(document.activeElement)) byId("transcript").focus({ preventScroll: true });
    this.#transcript.prepending(Boolean(more));
    this.#isShowingHistory = true;
    if (versions) this.#store.learnVersions(versions);
    for (const message of messages) this.#messageCame(message);
    this.#isShowingHistory = false;
    this.#store.changed();
    this.#seeking.look();
  }

  #errorCame({ code, detail, client_id: clientId }) {
    // It may be the answer to a question for history, which can be asked again.
    if (!clientId) this.#isAskingHistory = false;
    const sentence = errorSentence(code, detail);
    if (clientId && this.#outbox.refuse(clientId, sentence)) this.#store.setError(clientId, sentence);
    else if (clientId || !this.#tasks.failed({ code, detail })) this.#problem.show(sentence);
  }

  // -- what is kept up to date ---------------------------------------------------------------------

  #address() {
    return socketAddress({ conversation: this.#place.id, after: this.#resuming.checkpoint });
  }

  #refused(code) {
    if (code === CLOSE_LOGIN) {
      location.assign(loginAddress);
      return true;
    }
    if (!CLOSE_GONE.has(code) || !this.#place.id) return false;
    this.#gone();
    return true;
  }

  #stateChanged(state, retryAt) {
    this.#status.set(state, retryAt);
    if (state !== "open") {
      this.#isWelcome = this.#isAskingHistory = false;
      this.#resuming.disconnected();
      this.#tasks.disconnected();
    }
    this.#speaking.showAll();
  }

  #askHistory(before, limit = HISTORY_PAGE) {
    this.#isAskingHistory = this.#connection.send({ type: "history", before, limit });
  }

  #changed(message, isNew) {
    this.#transcript.changed(message, isNew);
    const { isBusy, isEmpty } = this.#store;
    this.#composer.isBusy = isBusy;
    if (isBusy !== this.#isBusy) this.#sidebar.refreshSoon();
    this.#isBusy = isBusy;
    if (message?.isStreaming && message.content) this.#spoke(message.replyTo);
    this.#transcript.isEmpty = isEmpty && this.#resuming.checkpoint !== null && !this.#isAskingHistory;
    if (this.#isShowingHistory) return;
    if (message && isAsked(message)) this.#lastFailed = message.state === "failed";
    this.#announcer.update(isBusy, this.#lastFailed);
    if (isNew && message.role === "assistant") this.#replyCame(message);
  }

  /** The answer has begun: what it answers shows so from now on. */
  #spoke(id) {
    const asked = this.#store.get(id);
    if (!asked || asked.isSpoken) return;
    asked.isSpoken = true;
    this.#transcript.changed(asked);
  }

  #replyCame(message) {
    if (!this.#isBusy) this.#sidebar.refreshSoon();
    if (!message.replyTo) this.#announcer.say("sayNew");
  }
}

await host.arrived();
new Chat().start();
