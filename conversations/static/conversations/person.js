// Who is at this browser: what somebody else has left in it is not shown, and all tabs change at once.

import { home, person } from "./setup.js";
import { browser, tab } from "./storage.js";

/** Call before anything is read from storage. */
export function settleIn() {
  if (person === undefined) return;
  const before = browser.read("person", "");
  // Who signs in goes on with what they wrote as a visitor; who signs out leaves nothing behind.
  if (before && before !== person) forgetAll();
  if (before !== person) browser.write("person", person || null);
  addEventListener("storage", ({ key, oldValue, newValue }) => {
    if (key !== "botflow.person" || oldValue === newValue) return;
    // What was open becomes the user's; after a sign-out it is nobody's any more here.
    if (newValue && !oldValue) location.reload();
    else location.replace(home);
  });
  // A page that the browser kept may be another person's.
  addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
}

function forgetAll() {
  for (const storage of [browser, tab]) storage.clear({ except: ["theme"] });
}
