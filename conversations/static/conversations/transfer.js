// One file on its way to the site: how far it is, and in the end what the site says of it.

import { addressOf, ApiError, identityHeaders } from "./api.js";

// Answers that speak of the server's state, not of the file.
const LATER = new Set([0, 502, 503, 504]);

export class Transfer {
  #request = new XMLHttpRequest();

  /** handlers: `progress(share)`, `done(file)`, `failed(error)`; an error that `isPassing` may be over later. */
  constructor(file, handlers) {
    const request = this.#request;
    // Not fetch: it does not tell how far an upload is.
    request.open("POST", addressOf("api/uploads"));
    request.responseType = "json";
    request.setRequestHeader("Accept", "application/json");
    for (const [name, value] of Object.entries(identityHeaders())) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", ({ loaded, total }) => handlers.progress(total ? loaded / total : 0));
    request.addEventListener("load", () => {
      const { status, response } = request;
      if (status === 201) handlers.done(response);
      else handlers.failed(this.#error(status, response));
    });
    request.addEventListener("error", () => handlers.failed(this.#error(0)));
    const form = new FormData();
    form.append("file", file, file.name);
    request.send(form);
  }

  abort() {
    this.#request.abort();
  }

  #error(status, response) {
    const error = new ApiError(status, response?.code ?? "other", response?.detail);
    return Object.assign(error, { isPassing: LATER.has(status) });
  }
}
