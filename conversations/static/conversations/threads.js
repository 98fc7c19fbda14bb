// Which messages are on the shown thread, where something was said in several versions.

const FIRST = "";

/** What is known of one version: the message itself, or what the server told of one not here. */
function place({ id, seq = 0, createdAt, replaces, branch, chosen, isDeleted, isPending }) {
  // An unsent version is shown at once; so is one that was refused, until it is taken back.
  const rank = isPending ? Infinity : (chosen ?? 0);
  return { id, seq, createdAt, replaces, branch: branch ?? FIRST, rank, isDeleted: Boolean(isDeleted) };
}

function isLater(one, other) {
  return one.rank === other.rank ? one.createdAt < other.createdAt : one.rank > other.rank;
}

export class Threads {
  #find;
  #places = new Map();
  #branches = new Set();
  #groups = new Map();
  #groupOf = new Map();
  /** By branch: when the first message was said in it that gave way to a later version. */
  #forks = new Map();
  #isStale = false;

  /** `find(id)` returns the message that the page has, if it has it. */
  constructor(find) {
    this.#find = find;
  }

  /** Whether all is one thread, as nearly everywhere. */
  get isOne() {
    return this.#places.size === 0;
  }

  clear() {
    this.#places.clear();
    this.#branches.clear();
    this.#isStale = true;
  }

  /** Take what the server tells of versions that may not be on the page. */
  learn(versions) {
    for (const { created_at: createdAt, deleted: isDeleted, ...version } of versions) {
      this.#keep(place({ ...version, createdAt, isDeleted }));
    }
  }

  /** Take a message that came or changed. */
  note(message) {
    if (message.branch) this.#branches.add(message.branch);
    const isKnown = this.#places.has(message.id) || this.#groups.has(message.id);
    if (message.replaces || isKnown) this.#keep(place(message));
  }

  forget(id) {
    if (this.#places.delete(id)) this.#isStale = true;
  }

  /** The message it follows, and its reply, decide for a reply; what came unasked is always shown. */
  isShown(message) {
    const asked = message.role === "assistant" ? this.#find(message.replyTo) : message;
    if (message.isDeleted && !(asked === message && this.#isKept(message))) return false;
    if (!asked) return true;
    if (asked !== message && asked.isDeleted) return false;
    if (asked.role !== "user" || this.isOne) return true;
    return this.#isOn(asked);
  }

  /** `{ids, index}`: all versions of a message and which one it is; null where it is the only one. */
  versionsOf({ id }) {
    const group = this.#group(id);
    if (!group) return null;
    const isOpen = (version) => !version.isDeleted || version.id === id || this.#branches.has(version.id);
    const ids = group.versions.filter(isOpen).map((version) => version.id);
    return ids.length > 1 ? { ids, index: ids.indexOf(id) } : null;
  }

  /** All messages on the page that have versions. */
  get withVersions() {
    this.#sort();
    return [...this.#groupOf.keys()].map((id) => this.#find(id)).filter(Boolean);
  }

  /** A deleted message stays in sight where other versions are reached by it. */
  #isKept(message) {
    return this.versionsOf(message) !== null;
  }

  #keep(version) {
    const known = this.#places.get(version.id);
    if (known && known.seq > version.seq) return;
    this.#places.set(version.id, version);
    this.#isStale = true;
  }

  #group(id) {
    this.#sort();
    return this.#groups.get(this.#groupOf.get(id));
  }

  #isOn({ id, branch, createdAt, isPending }) {
    const group = this.#group(id);
    if (isPending && !group) return true;
    if (group && group.shown.id !== id) return false;
    const [at, within] = group ? [group.first.createdAt, group.first.branch] : [createdAt, branch ?? FIRST];
    const fork = this.#forks.get(within);
    if (fork !== undefined && at > fork) return false;
    const head = within && (this.#places.get(within) ?? this.#find(within));
    return !head || this.#isOn(head);
  }

  /** The first version's id, whichever version is named: an unsent one names the one it was made of. */
  #firstOf(id) {
    return this.#places.get(id)?.replaces ?? id;
  }

  #sort() {
    if (!this.#isStale) return;
    this.#isStale = false;
    this.#groups.clear();
    this.#groupOf.clear();
    this.#forks.clear();
    for (const version of this.#places.values()) {
      if (version.replaces) this.#joinGroup(this.#firstOf(version.replaces), version);
    }
    for (const { first, shown } of this.#groups.values()) {
      const known = this.#forks.get(first.branch);
      const isFork = shown.id !== first.id && !(known <= first.createdAt);
      if (isFork) this.#forks.set(first.branch, first.createdAt);
    }
  }

  #joinGroup(id, version) {
    let group = this.#groups.get(id);
    if (!group) {
      const here = this.#find(id);
      const first = this.#places.get(id) ?? place(here ?? { id, createdAt: "", branch: version.branch });
      group = { first, shown: first, versions: [first] };
      this.#groups.set(id, group);
      this.#groupOf.set(id, id);
    }
    group.versions.push(version);
    group.versions.sort((one, other) => (one.createdAt < other.createdAt ? -1 : 1));
    if (isLater(version, group.shown)) group.shown = version;
    this.#groupOf.set(version.id, id);
  }
}
