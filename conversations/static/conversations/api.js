// Requests to the site beside the WebSocket: with the session's cookie, or with a token of one's own.

import { csrfCookie, embed, home, text } from "./setup.js";

let token = null;

/** Who asks from now on is the holder of `value`, whatever cookies there are: the embedded page. */
export function setToken(value) {
  token = value;
}

/** An address of this site, given as `api/…` or `/api/…` whatever path the site is served under. */
export function addressOf(path) {
  return new URL(path.replace(/^\//, ""), new URL(home, location.href));
}

/** The address, for the browser itself to open it: downloads cannot send headers. */
export function withToken(url) {
  const address = new URL(url, location.href);
  if (token) address.searchParams.set("token", token);
  return address.href;
}

/** The headers that tell the site who asks, and that it is this page. */
export function identityHeaders() {
  if (token) return { Authorization: `Bearer ${token}` };
  const found = document.cookie.split("; ").find((cookie) => cookie.startsWith(`${csrfCookie}=`));
  return found ? { "X-CSRFToken": found.slice(csrfCookie.length + 1) } : {};
}

export class ApiError extends Error {
  constructor(status, code, detail) {
    super(detail || text("error.other"));
    Object.assign(this, { status, code, detail });
  }
}

/** Ask the site; resolves to the JSON it answers with, undefined for none. Throws ApiError. */
export async function api(path, { method = "GET", json, body, signal } = {}) {
  const headers = { Accept: "application/json", ...identityHeaders() };
  if (json !== undefined) headers["Content-Type"] = "application/json";
  const options = { method, headers, signal, body: json === undefined ? body : JSON.stringify(json) };
  // With a token, and inside another site's page, no cookie may speak for somebody else.
  options.credentials = token || embed ? "omit" : "same-origin";
  let response;
  try {
    response = await fetch(addressOf(path), options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "not_connected", text("error.not_connected"));
  }
  const data = await response.json().catch(() => undefined);
  if (!response.ok) throw new ApiError(response.status, data?.code ?? "other", data?.detail);
  return data;
}
