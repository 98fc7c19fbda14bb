// The form of a schedule: shows the fields of the chosen kind and of the chosen action, and what is
// entered in words with the next fire times. The server decides what is valid.

const panel = document.querySelector("#schedule-preview");
const FIELDS = {
  once: ["at"],
  interval: ["every", "start_at", "end_at"],
  cron: ["expression", "start_at", "end_at"],
};
const OF_A_KIND = new Set(Object.values(FIELDS).flat());
const WHEN = ["timezone", "at", "every_number", "every_unit", "expression", "start_at", "end_at"];
const PAUSE = 250;

if (panel) start(panel.closest("form"));

function start(form) {
  panel.append(document.createElement("ol"), note());
  const preview = makePreview(form);
  showKind(form);
  preview.refresh();
  form.addEventListener("input", (event) => {
    if (WHEN.includes(event.target.name)) preview.later();
  });
  form.addEventListener("change", (event) => {
    if (event.target.name === "kind") showKind(form);
    if (event.target.name === "kind" || WHEN.includes(event.target.name)) preview.later();
  });
  // The searchable drop-down tells only jQuery of a choice.
  window.django?.jQuery?.(form.elements.timezone).on("change", () => preview.later());
  form.elements.action?.addEventListener("change", makeActionFields(form));
}

function note() {
  const paragraph = document.createElement("p");
  paragraph.className = "botflow-note";
  return paragraph;
}

function showKind(form) {
  const kind = new FormData(form).get("kind");
  for (const name of OF_A_KIND) {
    const row = form.querySelector(`.field-line.field-${name}`);
    if (!row) continue;
    const isShown = !kind || FIELDS[kind].includes(name);
    (row.closest(".field-row") ?? row).hidden = !isShown;
    // A field that is disabled is not sent: what was typed for another kind stays here.
    for (const input of row.querySelectorAll("input, select")) input.disabled = !isShown;
  }
}

function makePreview(form) {
  let timer = 0;
  let request = null;

  async function refresh() {
    request?.abort();
    request = new AbortController();
    try {
      const answer = await fetch(address(form), { signal: request.signal });
      if (!answer.ok) throw new Error(String(answer.status));
      show(await answer.json());
    } catch (error) {
      if (error.name !== "AbortError") show({ failed: true });
    }
  }

  function later() {
    clearTimeout(timer);
    timer = setTimeout(refresh, PAUSE);
  }

  return { refresh, later };
}

function address(form) {
  const data = new FormData(form);
  const query = new URLSearchParams({ schedule: panel.dataset.schedule });
  for (const name of ["kind", ...WHEN]) {
    if (data.has(name)) query.set(name, data.get(name));
  }
  return `${panel.dataset.preview}?${query}`;
}

function show({ words = "", zone = "", times = [], note = "", errors = [], failed = false }) {
  const [heading, list, foot] = panel.children;
  panel.classList.toggle("is-wrong", failed || errors.length > 0);
  const sentences = errors.map(({ label, message }) => (label ? `${label}: ${message}` : message));
  heading.textContent = failed ? panel.dataset.failed : sentences.join(" ") || words;
  list.replaceChildren(...times.map(timeItem));
  foot.textContent = note || zone;
}

function timeItem(time) {
  const item = document.createElement("li");
  const moment = document.createElement("time");
  moment.dateTime = time.iso;
  moment.textContent = `${time.date} ${time.weekday} ${time.time}`;
  item.append(moment, part(time.offset), part(time.relative));
  return item;
}

function part(text) {
  const span = document.createElement("span");
  span.textContent = text;
  return span;
}

// Fields that were filled in come back as they were when their action is chosen again.
function makeActionFields(form) {
  const place = document.querySelector("#action-fields");
  const kept = new Map();
  let shown = form.elements.action.value;
  let latest = 0;

  return async function change() {
    const name = form.elements.action.value;
    const turn = ++latest;
    kept.set(shown, [...place.childNodes]);
    shown = name;
    if (kept.has(name)) {
      place.replaceChildren(...kept.get(name));
      return;
    }
    place.replaceChildren();
    const query = new URLSearchParams({ action: name, schedule: panel.dataset.schedule });
    try {
      const answer = await fetch(`${panel.dataset.actionForm}?${query}`);
      if (!answer.ok) throw new Error(String(answer.status));
      const html = await answer.text();
      if (turn === latest) place.innerHTML = html;
    } catch {
      if (turn === latest) place.textContent = panel.dataset.failed;
      kept.delete(name);
    }
  };
}
