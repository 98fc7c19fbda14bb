// The timeline: begins at now on a narrow screen, tells what is touched, offers the reader's clock.

const scroller = document.querySelector(".botflow-timeline");
const detail = document.querySelector("#timeline-detail");

if (scroller && scroller.scrollWidth > scroller.clientWidth) {
  // Twelve hours back and as many ahead, as far as there is room.
  scroller.scrollLeft = (scroller.scrollWidth - scroller.clientWidth) / 2;
}

function tell(event) {
  const mark = event.target.closest("rect, svg svg, use");
  const title = mark?.closest("svg svg, rect")?.querySelector("title");
  const name = event.target.closest("tr")?.querySelector("th a")?.textContent ?? "";
  const row = event.target.closest("td > svg");
  const text = title?.textContent || row?.getAttribute("aria-label");
  if (text) detail.textContent = `${name}: ${text}`;
}

for (const type of ["pointerover", "click", "focusin"]) {
  scroller?.addEventListener(type, tell);
}

const note = document.querySelector("[data-zone]");
const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (note && own && own !== note.dataset.zone) {
  const link = document.createElement("a");
  link.className = "botflow-link";
  link.href = `?${new URLSearchParams({ zone: own })}`;
  link.textContent = `${note.dataset.other} ${own}`;
  note.append(" ", link);
}
