// The API: every call speaks the chosen language and carries the access token, when there is one.
import { language } from "./language.js";

const TOKEN = "omniflow.token";
const listeners = new Set();

/** How long an answer is waited for, in milliseconds: API Gateway itself gives up after 30 seconds. */
const PATIENCE = 35_000;

/**
 * A call that was refused. `status` is the HTTP status, 0 when there was no answer at all, and `problem` the document
 * (RFC 9457) that says why and what to do.
 */
class Refusal extends Error {
  constructor(status, problem = {}) {
    super(problem.detail ?? problem.message ?? `HTTP ${status}`);
    this.status = status;
    this.problem = problem;
  }
}

/** The access token of this tab. */
export const token = () => sessionStorage.getItem(TOKEN);

/** Keeps a token until the tab is closed; without one, forgets it. */
export function signIn(text) {
  if (text) sessionStorage.setItem(TOKEN, text);
  else sessionStorage.removeItem(TOKEN);
}

/** Calls `listener` whenever the API asks who this is. */
export function onSignInWanted(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

async function call(method, path, body, headers = {}) {
  const request = { method, headers: { "accept-language": language(), ...headers } };
  if (token()) request.headers.authorization = `Bearer ${token()}`;
  if (body !== undefined) {
    request.body = JSON.stringify(body);
    request.headers["content-type"] = "application/json";
  }
  const { response, answer } = await answerTo(path, request);
  if (response.ok) return answer;
  if (response.status === 401) listeners.forEach((listener) => listener());
  throw new Refusal(response.status, answer);
}

/** The answer with its document. A connection that fails or stays silent is a refusal, too. */
async function answerTo(path, request) {
  try {
    // Relative to /web/, so that a stage's name before it does no harm.
    const response = await fetch(`../${path}`, { ...request, signal: AbortSignal.timeout(PATIENCE) });
    const text = await response.text();
    return { response, answer: documentIn(text) };
  } catch {
    throw new Refusal(0);
  }
}

/** A proxy on the way may answer with something that is no JSON object; its status still counts. */
function documentIn(text) {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}

const query = (values) =>
  new URLSearchParams(Object.entries(values).filter(([, value]) => value)).toString();
const order = (id) => `api/v1/orders/${encodeURIComponent(id)}`;

export const api = {
  stock: () => call("GET", "api/v1/stock"),
  summary: () => call("GET", "api/v1/summary"),
  orders: (filter) => call("GET", `api/v1/orders?${query(filter)}`),
  order: (id) => call("GET", order(id)),
  workflow: (id, page = {}) => call("GET", `${order(id)}/workflow?${query(page)}`),
  create: (wanted, key) => call("POST", "api/v1/orders", wanted, { "idempotency-key": key }),
  pay: (id, method) => call("POST", `${order(id)}/pay`, { method }),
  cancel: (id) => call("POST", `${order(id)}/cancel`),
  retry: (id) => call("POST", `${order(id)}/retry`),
  resolve: (id, money, stock, note) => call("POST", `${order(id)}/resolve`, { money, stock, note }),
  audit: (id, action, note) => call("POST", `${order(id)}/audit`, { action, note: note || null }),
};
