// The chat as a bubble on another site's page: one button, and a frame that holds the chat.
(function (setup) {
  "use strict";

  // A second script tag, or a page that is put in place of the last one by script: one bubble.
  if (window.BotFlow || !setup.origins.some((origin) => new RegExp(origin).test(location.origin))) return;

  const script = document.currentScript ?? document.querySelector('script[src*="/embed.js"]');
  const options = script.dataset;
  const site = new URL(script.src);
  const language = languageOf(options.language || document.documentElement.lang || navigator.language);
  const ownColor = /^#[0-9a-f]{6}$/i.test(options.color ?? "") ? options.color : "";
  const color = ownColor || setup.color;
  const name = options.title || setup.name;
  const phone = matchMedia("(max-width: 30rem)");

  function languageOf(wanted) {
    const codes = Object.keys(setup.texts);
    const first = wanted.toLowerCase().split("-")[0];
    return codes.find((code) => code.split("-")[0] === first) ?? "en";
  }

  function text(key, values) {
    return setup.texts[language][key].replace(/\{(\w+)\}/g, (_whole, word) => values[word]);
  }

  /** Storage of the page's own site; what it does not keep, the frame keeps for itself. */
  function kept(find) {
    const key = `botflow:${site.origin}`;
    return {
      read() {
        try {
          return find().getItem(key);
        } catch {
          return null;
        }
      },
      write(value) {
        try {
          find().setItem(key, value);
        } catch {
          // Full or switched off: the conversation lasts as long as the frame's own storage.
        }
      },
    };
  }

  /** Black or white, whichever is easier to read on the color; at least 4.5 to 1 of either. */
  function inkOn(ground) {
    const [red, green, blue] = [1, 3, 5].map((at) => {
      const part = parseInt(ground.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000000" : "#ffffff";
  }

  function element(tag, fields = {}, ...children) {
    const node = Object.assign(document.createElement(tag), fields);
    node.append(...children);
    return node;
  }

  function drawing(className, path) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    const look = { d: path, fill: "none", stroke: "currentColor", "stroke-width": "1.8" };
    Object.assign(look, { "stroke-linecap": "round", "stroke-linejoin": "round" });
    for (const [key, value] of Object.entries(look)) line.setAttribute(key, value);
    svg.setAttribute("class", className);
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    svg.append(line);
    return svg;
  }

  class Bubble {
    #token = kept(() => localStorage);
    #wasOpen = kept(() => sessionStorage);
    #isOpen = false;
    #unread = 0;
    #takesFocus = false;
    /** Whether the frame's page has said that it listens. */
    #isReady = false;
    #frame = null;
    #badge = element("span", { className: "badge", hidden: true });
    #said = element("span", { className: "said" });
    #panel = element("div", { className: "panel" });
    #button = element("button", { type: "button" });
    #host = element("botflow-bubble");

    constructor() {
      const chat = drawing("chat", "M6.5 4h11A3.5 3.5 0 0 1 21 7.5v6a3.5 3.5 0 0 1-3.5 3.5h-5L8 20.500V17H6.500A3.5 3.5 0 0 1 3 13.5v-6A3.5 3.5 0 0 1 6.5 4ZM8 9.500h8M8 12.500h5");
      this.#button.append(chat, drawing("shut", "m6 9.500 6 6 6-6"), this.#badge);
      this.#button.addEventListener("click", () => this.toggle());
      this.#button.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
      this.#button.setAttribute("aria-expanded", "false");
      this.#said.setAttribute("role", "status");
      this.#panel.setAttribute("role", "dialog");
      this.#panel.setAttribute("aria-label", text("chat", { name }));
      const side = /left/.test(options.position ?? "") ? "left" : "right";
      const root = element("div", { className: side }, this.#panel, this.#button, this.#said);
      root.setAttribute("role", "region");
      root.setAttribute("aria-label", name);
      this.#host.style.setProperty("--color", color);
      this.#host.style.setProperty("--on-color", inkOn(color));
      const shadow = this.#host.attachShadow({ mode: "open" });
      this.#dress(shadow);
      shadow.append(root);
      this.#label();
      addEventListener("message", (event) => this.#heard(event));
    }

    /** Stand on the page, and stay there when a script puts another page in this one's place. */
    stand() {
      document.documentElement.append(this.#host);
      new MutationObserver(() => {
        if (this.#host.isConnected) return;
        this.#isReady = false;
        document.documentElement.append(this.#host);
      }).observe(document.documentElement, { childList: true });
      if (visualViewport) {
        for (const change of ["resize", "scroll"]) visualViewport.addEventListener(change, () => this.#fit());
      }
      const isWanted = options.open !== undefined && options.open !== "false" && this.#wasOpen.read() !== "no";
      if (!phone.matches && (isWanted || this.#wasOpen.read() === "yes")) this.open({ focus: false });
      // Who has talked here before sees on the bubble what came meanwhile.
      else if (this.#token.read()) this.#later(() => this.#load());
    }

    open = ({ focus = true } = {}) => {
      if (this.#isOpen) return;
      this.#takesFocus = focus;
      this.#show(true);
      this.#load();
      this.#tell("open", { focus });
      if (focus) this.#frame.focus();
    };

    close = () => {
      if (!this.#isOpen) return;
      const hasFocus = this.#host.shadowRoot.activeElement === this.#frame;
      this.#show(false);
      this.#tell("closed");
      if (hasFocus) this.#button.focus();
    };

    toggle = () => (this.#isOpen ? this.close() : this.open());

    #show(isOpen) {
      this.#isOpen = isOpen;
      this.#wasOpen.write(isOpen ? "yes" : "no");
      this.#panel.classList.toggle("shown", isOpen);
      this.#button.classList.toggle("open", isOpen);
      this.#button.setAttribute("aria-expanded", String(isOpen));
      // On a phone the chat covers the page: what is behind must not scroll under the finger.
      document.documentElement.style.overflow = isOpen && phone.matches ? "hidden" : "";
      this.#unread = isOpen ? 0 : this.#unread;
      this.#fit();
      this.#label();
    }

    /** Keep clear of a phone's keyboard, which covers the page instead of making it smaller. */
    #fit() {
      if (!this.#isOpen || !phone.matches || !visualViewport) return;
      this.#host.style.setProperty("--top", `${visualViewport.offsetTop}px`);
      this.#host.style.setProperty("--height", `${visualViewport.height}px`);
    }

    #label() {
      const count = this.#unread;
      const words = this.#isOpen ? text("close") : count ? text("openUnread", { count }) : text("open");
      this.#button.setAttribute("aria-label", words);
      this.#button.title = words;
      this.#badge.hidden = this.#isOpen || !count;
      this.#badge.textContent = count > 99 ? "99+" : count || "";
    }

    #load() {
      if (this.#frame) return;
      const address = new URL("embed", site);
      const asked = { origin: location.origin, language, color: ownColor.slice(1), theme: options.theme ?? "" };
      address.search = new URLSearchParams(asked);
      this.#frame = element("iframe", { src: address.href, title: text("chat", { name }), allow: "clipboard-write" });
      this.#panel.append(this.#frame);
    }

    #later(load) {
      const whenIdle = () => (window.requestIdleCallback ?? setTimeout)(load);
      if (document.readyState === "complete") whenIdle();
      else addEventListener("load", whenIdle, { once: true });
    }

    #tell(kind, fields = {}) {
      // To the chat's own site alone: the token must reach no other that the frame may have gone to.
      if (this.#isReady) this.#frame.contentWindow.postMessage({ botflow: kind, ...fields }, site.origin);
    }

    #heard({ source, origin, data }) {
      if (!this.#frame || source !== this.#frame.contentWindow || origin !== site.origin) return;
      if (data?.botflow === "ready") {
        this.#isReady = true;
        const visitor = { token: this.#token.read(), title: options.title ?? "" };
        this.#tell("hello", { ...visitor, isOpen: this.#isOpen, focus: this.#isOpen && this.#takesFocus });
      }
      if (data?.botflow === "token" && typeof data.token === "string") this.#token.write(data.token);
      if (data?.botflow === "close") this.close();
      if (data?.botflow === "unread" && Number.isInteger(data.count)) this.#count(data.count);
    }

    #count(count) {
      const isMore = !this.#isOpen && count > this.#unread;
      this.#unread = this.#isOpen ? 0 : count;
      this.#label();
      this.#said.textContent = isMore ? text("openUnread", { count }) : "";
    }

    #dress(shadow) {
      try {
        const sheet = new CSSStyleSheet(); // a page's style-src does not forbid these
        sheet.replaceSync(setup.css);
        shadow.adoptedStyleSheets = [sheet];
      } catch {
        shadow.append(element("style", { textContent: setup.css }));
      }
    }
  }

  const bubble = new Bubble();
  window.BotFlow = Object.freeze({ open: () => bubble.open(), close: bubble.close, toggle: bubble.toggle });
  bubble.stand();
})({% autoescape off %}{{ setup }}{% endautoescape %});
