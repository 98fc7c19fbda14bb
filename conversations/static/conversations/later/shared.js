// A shared conversation: its moments by the reader's clock, in the language of the page.

const page = document.documentElement.lang;
const language = (navigator.languages ?? []).find((tag) => tag.split("-")[0] === page.split("-")[0]) ?? page;
const short = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
const full = new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "medium" });

for (const node of document.querySelectorAll("time.moment")) {
  const moment = new Date(node.dateTime);
  node.textContent = short.format(moment);
  node.title = full.format(moment);
}
