// The conversation as far as this page knows it: messages by id, upserts, deltas, and their order.

import { drain, lengthOf, replace } from "./deltas.js";
import { grow } from "./grown.js";
import { isAsked, isWorking, Messages } from "./messages.js";
import { Threads } from "./threads.js";

export { isAsked, lengthOf };

const FINAL_REPLY = new Set(["done", "stopped", "failed"]);

export class Store {
  #messages = new Messages();
  #threads = new Threads((id) => this.#messages.get(id));

  #deleted = new Set();

  /** The highest `seq` seen. */
  seq = 0;

  constructor(changed) {
    /** Called as `changed(message, isNew)` or, when anything may have changed, `changed()`. */
    this.changed = changed;
  }

  clear() {
    this.#messages.keep((message) => message.isPending);
    this.#threads.clear();
    this.#deleted.clear();
    this.seq = 0;
    this.changed();
  }

  get(id) {
    return this.#messages.get(id);
  }

  /** The shown messages in reading order: a reply follows what it answers, what is unsent comes last. */
  inOrder() {
    const all = this.#messages.inOrder();
    return this.#isWhole ? all : all.filter((message) => this.#threads.isShown(message));
  }

  /** Take what the server tells of versions that are not shown. */
  learnVersions(versions) {
    this.#threads.learn(versions);
    this.#retell();
  }

  /** What a reply answers, where it can be answered again: what a command did is not done twice. */
  repeatable({ replyTo, state }) {
    const asked = this.#messages.get(replyTo);
    const isSaid = asked?.role === "user" && !asked.isPending && !/^\s*[/／]/.test(asked.content);
    return isSaid && state === "done" ? asked : null;
  }

  /** Forget all but about `count` messages; the others can be asked for again. False: no more. */
  keepLatest(count) {
    const isLess = this.#messages.keepLatest(count);
    if (isLess) this.changed();
    return isLess;
  }

  /** The smallest `seq` known, from which earlier history is asked for. */
  get oldestSeq() {
    let oldest = Infinity;
    for (const message of this.#messages.inOrder()) {
      if (message.seq) oldest = Math.min(oldest, message.seq);
    }
    return oldest;
  }

  /** Whether an answer is awaited. */
  get isBusy() {
    if (this.#isWhole) return this.#messages.isBusy;
    return this.inOrder().some(isWorking);
  }

  get isEmpty() {
    return this.#messages.size === 0 || (!this.#isWhole && this.inOrder().length === 0);
  }

  replyTo(id) {
    return this.#messages.replyTo(id);
  }

  /** Show a message of this page before the server has it. */
  addPending({ clientId, content, createdAt, state, files, replaces }) {
    const id = `unsent:${clientId}`;
    const known = this.#messages.get(id);
    if (known) {
      known.state = state;
      this.#tell(known);
      return;
    }
    const shownFiles = files ?? this.get(replaces)?.files; // a version keeps them
    const fields = { content, state, createdAt, files: shownFiles, replaces, isPending: true };
    this.#add({ id, key: clientId, role: "user", ...fields });
  }

  removePending(clientId) {
    const message = this.#messages.get(`unsent:${clientId}`);
    if (message) this.#messages.remove(message);
    this.#threads.forget(`unsent:${clientId}`);
    this.#retell();
    this.changed();
  }

  setError(clientId, sentence) {
    const message = this.#messages.get(`unsent:${clientId}`);
    if (!message) return;
    message.state = sentence ? "refused" : "sending";
    message.detail = sentence;
    this.#tell(message);
  }

  /** Take a `message` frame: the whole truth about one message as of its `seq`. */
  upsert(frame) {
    const known = this.#messages.get(frame.id) ?? this.#adopt(frame);
    this.seq = Math.max(this.seq, frame.seq ?? 0);
    if (known && known.seq > (frame.seq ?? 0)) return;
    const fields = {
      seq: frame.seq,
      role: frame.role,
      contentType: frame.content_type ?? "text",
      html: frame.html,
      state: frame.state,
      replyTo: frame.reply_to ?? null,
      createdAt: frame.created_at,
      detail: frame.detail,
      files: frame.files,
      replaces: frame.replaces,
      branch: frame.branch,
      chosen: frame.chosen,
      isDeleted: frame.deleted ?? false,
      isPending: false,
    };
    const isStreaming = frame.role === "assistant" && !FINAL_REPLY.has(frame.state);
    const message = known ?? this.#add({ id: frame.id, key: frame.client_id ?? frame.id }, true);
    // A row written during an answer may lag behind the deltas: what continues it is kept.
    const isGrowing = isStreaming && message.isStreaming && !frame.deleted;
    const isBehind = isGrowing && message.content.startsWith(frame.content);
    if (!isBehind) replace(message, frame.content);
    if (!isStreaming) message.waiting = [];
    this.#messages.update(message, { ...fields, isStreaming });
    drain(message);
    this.#settle(message);
    this.#tell(message, !known);
  }

  /** Take a `delta` frame. False when text before it is missing: then the message must be asked for. */
  append(frame) {
    const message = this.#messages.get(frame.id) ?? this.#begin(frame.id);
    if (message.isDeleted || (message.role === "assistant" && !message.isStreaming)) return true; // late
    message.waiting.push(frame);
    drain(message);
    this.#tell(message);
    return message.waiting.length === 0;
  }

  /** Take a `render` frame: what the server made of a growing text so far. */
  render(frame) {
    const message = this.#messages.get(frame.id);
    if (message?.isStreaming && grow(message, frame)) this.#tell(message);
  }

  /** Take a `status` frame. */
  setState({ id, state, detail, seq }) {
    const message = this.#messages.get(id);
    this.seq = Math.max(this.seq, seq ?? 0);
    if (!message || (seq && message.seq > seq)) return message !== undefined;
    Object.assign(message, { state, detail, isNews: true, seq: seq ?? message.seq });
    this.#settle(message);
    this.#tell(message);
    return true;
  }

  #add(fields, isQuiet = false) {
    const message = { content: "", length: 0, revision: 0, waiting: [], seq: 0, ...fields };
    message.length = lengthOf(message.content);
    this.#messages.add(message);
    if (!isQuiet) this.#tell(message, true);
    return message;
  }

  /** Say that a message changed, or came: the end of every change of its `state`. */
  #tell(message, isNew = false) {
    this.#messages.count(message);
    this.#note(message);
    this.changed(message, isNew);
  }

  get #isWhole() {
    return this.#threads.isOne && this.#deleted.size === 0;
  }

  /** Another version, or one less, may change what is shown of all the rest. */
  #note(message) {
    const { isDeleted, replaces, branch, chosen, isPending } = message;
    const told = [message.id, isDeleted, replaces, branch, chosen, isPending].join();
    if (message.told === told || !(isDeleted || replaces || branch || chosen || message.told)) return;
    message.told = told;
    if (isDeleted) this.#deleted.add(message);
    else this.#deleted.delete(message);
    this.#threads.note(message);
    this.#retell();
    this.changed();
  }

  #retell() {
    for (const message of this.#threads.withVersions) {
      message.versions = this.#threads.versionsOf(message);
      this.changed(message);
    }
  }

  /** Turn the pending message that `frame` confirms into the stored one, in its place on the page. */
  #adopt(frame) {
    const pending = frame.client_id && this.#messages.get(`unsent:${frame.client_id}`);
    if (!pending) return undefined;
    this.#threads.forget(pending.id);
    this.#messages.rename(pending, frame.id);
    return pending;
  }

  /** A reply whose text arrives before its message: it answers what is being answered. */
  #begin(id) {
    const asked = this.#messages.inOrder().find((message) => isAsked(message) && message.state === "answering");
    return this.#add({ id, key: id, role: "assistant", replyTo: asked?.id ?? null, isStreaming: true });
  }

  /** Keep question and reply in agreement, should the frame that says so be lost, late or early. */
  #settle(message) {
    const asked = isAsked(message) ? message : this.#messages.get(message.replyTo);
    const reply = isAsked(message) ? this.replyTo(message.id) : message;
    if (!asked || !reply) return;
    if (reply.state === "done" && isWorking(asked) && asked.seq <= reply.seq) {
      asked.state = "answered";
      this.#tell(asked);
    } else if (!FINAL_REPLY.has(reply.state) && reply.isStreaming !== isWorking(asked)) {
      reply.isStreaming = isWorking(asked);
      this.#tell(reply);
    }
  }
}
