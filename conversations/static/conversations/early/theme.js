// Light or dark before the first paint: what was chosen here, else what the system has, live.

(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  let choice = read();

  function read() {
    // Inside another site's page that one may say what fits it.
    if (root.dataset.wanted) return root.dataset.wanted;
    try {
      return JSON.parse(localStorage.getItem("botflow.theme"));
    } catch {
      return null; // storage is switched off, or holds something else
    }
  }

  function apply() {
    const theme = choice === "light" || choice === "dark" ? choice : system.matches ? "dark" : "light";
    root.dataset.theme = theme;
    for (const meta of document.querySelectorAll("meta[name=theme-color]")) {
      meta.media = meta.dataset.theme === theme ? "all" : "not all";
    }
  }

  apply();
  system.addEventListener("change", apply);
  addEventListener("storage", (event) => {
    if (event.key !== "botflow.theme" && event.key !== null) return;
    choice = read();
    apply();
  });
  // From the menu, which keeps the choice: "auto", "light" or "dark".
  document.addEventListener("botflow:theme", (event) => {
    choice = event.detail;
    apply();
  });
})();
