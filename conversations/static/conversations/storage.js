// Browser storage that may be full, switched off or hold another version's data: then it forgets.

import { embed } from "./setup.js";

// Inside another site's page it is another visitor than the one whose browser it is.
const prefix = embed ? `botflow.embedded.${embed.origin}.` : "botflow.";

function wrap(find) {
  return {
    read(key, otherwise) {
      try {
        return JSON.parse(find().getItem(`${prefix}${key}`)) ?? otherwise;
      } catch {
        return otherwise;
      }
    },
    write(key, value) {
      try {
        if (value == null) find().removeItem(`${prefix}${key}`);
        else find().setItem(`${prefix}${key}`, JSON.stringify(value));
        return true;
      } catch {
        return false; // The page goes on without: what it holds in memory is enough until a reload.
      }
    },
    /** The keys that begin so. */
    keys(beginning) {
      try {
        const all = Object.keys(find()).filter((key) => key.startsWith(prefix + beginning));
        return all.map((key) => key.slice(prefix.length));
      } catch {
        return [];
      }
    },
    /** Have `heard(rest of the key, value or null)` called when another tab writes a key that begins so. */
    watch(beginning, heard) {
      addEventListener("storage", ({ key, newValue, storageArea }) => {
        if (!key?.startsWith(prefix + beginning) || storageArea !== find()) return;
        const name = key.slice(prefix.length);
        heard(name.slice(beginning.length), newValue === null ? null : this.read(name, null));
      });
    },
    clear({ except }) {
      try {
        const kept = except.map((key) => `botflow.${key}`);
        const all = Object.keys(find()).filter((key) => key.startsWith("botflow."));
        for (const key of all) if (!kept.includes(key)) find().removeItem(key);
      } catch {
        // There is none, and so nothing in it.
      }
    },
  };
}

/** Until the tab is closed. */
export const tab = wrap(() => sessionStorage);

/** For the next visit too. */
export const browser = wrap(() => localStorage);
