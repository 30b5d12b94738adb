// The API: every call speaks the chosen language and carries the access token, when there is one.
import { language } from "./language.js";
import { fresh, renewed, tell, token } from "./session.js";

/** How much later it is at the server than here, in milliseconds. Its `Date` header tells, to the second. */
let later = 0;

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

/** The time at the server, in milliseconds: deadlines are its. */
export const serverNow = () => Date.now() + later;

function setClock(date) {
  const difference = Date.parse(date) + 500 - Date.now();
  // The header has whole seconds: a smaller difference is none.
  later = Math.abs(difference) > 1500 ? difference : 0;
}

/** What was answered last, by the question and who asked it, with its `ETag`: what is still so is not sent again. */
const known = new Map();
/** How many answers are remembered. */
const MOST_KNOWN = 30;

/** Calls with the token `as`, or with this tab's. With `whole`, the response and its text are given instead of the document in it. A tab's token that has expired is renewed, and the call made once more. */
async function call(method, path, body, { headers = {}, as, keepalive = false, whole = false } = {}) {
  const send = (carried) => ask(path, request(method, body, headers, carried, keepalive));
  // A page that is about to go away can wait for nothing.
  if (!as && !keepalive) await fresh();
  let carried = as ?? token();
  let { response, answer, text } = await send(carried);
  if (response.status === 401 && !as && (await renewed(carried))) {
    carried = token();
    ({ response, answer, text } = await send(carried));
  }
  if (response.ok) return whole ? { response, text } : answer;
  if (response.status === 401 && carried === token()) tell("wanted");
  throw new Refusal(response.status, answer);
}

function request(method, body, headers, carried, keepalive) {
  const made = { method, keepalive, headers: { "accept-language": language(), ...headers } };
  if (carried) made.headers.authorization = `Bearer ${carried}`;
  if (body instanceof Blob) made.body = body;
  else if (body !== undefined) {
    made.body = JSON.stringify(body);
    made.headers["content-type"] = "application/json";
  }
  return made;
}

/** What is answered now, or what was answered before when that is still so. */
async function ask(path, request) {
  if (request.method !== "GET") return answerTo(path, request);
  const question = `${request.headers.authorization} ${language()} ${path}`;
  const before = known.get(question);
  if (before) request.headers["if-none-match"] = before.etag;
  const now = await answerTo(path, request);
  if (before && now.response.status === 304) return before.answered;
  known.delete(question);
  const etag = now.response.ok && now.response.headers.get("etag");
  if (etag) known.set(question, { etag, answered: now });
  if (known.size > MOST_KNOWN) known.delete(known.keys().next().value);
  return now;
}

/** The answer with its document. A connection that fails or stays silent is a refusal, too. */
async function answerTo(path, request) {
  try {
    // Relative to /web/, so that a stage's name before it does no harm.
    const response = await fetch(`../${path}`, { ...request, signal: AbortSignal.timeout(PATIENCE) });
    const text = await response.text();
    if (response.headers.has("date")) setClock(response.headers.get("date"));
    return { response, answer: documentIn(text), text };
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

const customerOf = (id) => `api/v1/customers/${encodeURIComponent(id)}`;
const product = (id) => `api/v1/products/${encodeURIComponent(id)}`;
const stock = (id) => `api/v1/stock/${encodeURIComponent(id)}`;

export const api = {
  stock: (filter = {}) => call("GET", `api/v1/stock?${query(filter)}`),
  products: (filter) => call("GET", `api/v1/products?${query(filter)}`),
  product: (id) => call("GET", product(id)),
  putProduct: (id, wanted, headers) => call("PUT", product(id), wanted, { headers }),
  productStock: (id) => call("GET", stock(id)),
  movements: (id, warehouse, next) => call("GET", `${stock(id)}/${encodeURIComponent(warehouse)}/movements?${query({ limit: 10, next })}`),
  move: (id, warehouse, wanted, key) => call("POST", `${stock(id)}/${encodeURIComponent(warehouse)}/movements`, wanted, { headers: { "idempotency-key": key } }),
  summary: () => call("GET", "api/v1/summary"),
  orders: (filter) => call("GET", `api/v1/orders?${query(filter)}`),
  order: (id) => call("GET", order(id)),
  workflow: (id, page = {}) => call("GET", `${order(id)}/workflow?${query(page)}`),
  create: (wanted, key) => call("POST", "api/v1/orders", wanted, { headers: { "idempotency-key": key } }),
  pay: (id, method) => call("POST", `${order(id)}/pay`, { method }),
  /** What the shop's page needs to have a payment confirmed at the payment provider. */
  openPayment: (id) => call("POST", `${order(id)}/payment`),
  cancel: (id) => call("POST", `${order(id)}/cancel`),
  retry: (id) => call("POST", `${order(id)}/retry`),
  resolve: (id, money, stock, note) => call("POST", `${order(id)}/resolve`, { money, stock, note }),
  /** `leaving`, when the page is about to go away: the browser sends it all the same. */
  audit: (id, action, note, leaving = false) => call("POST", `${order(id)}/audit`, { action, note: note || null }, { keepalive: leaving }),
  forget: (customer) => call("DELETE", customerOf(customer)),
  /** A page of a file, and the query of the next one, if there is one (RFC 8288). */
  exported: async (what, page) => {
    const { response, text } = await call("GET", `api/v1/export/${what}?${page}`, undefined, { whole: true });
    const next = /<[^>]*\?([^>]*)>; *rel="?next/.exec(response.headers.get("link") ?? "");
    return { text, next: next && next[1] };
  },
  imported: (what, text) => call("POST", `api/v1/import/${what}`, new Blob([text], { type: "text/csv" })),
  openReturns: (filter) => call("GET", `api/v1/returns?${query(filter)}`),
  askReturn: (id, items, reason, key) => call("POST", `${order(id)}/returns`, { items, reason }, { headers: { "idempotency-key": key } }),
  auditReturn: (id, number, action) => call("POST", `${order(id)}/returns/${number}/audit`, { action }),
  receiveReturn: (id, number, items) => call("POST", `${order(id)}/returns/${number}/received`, { items }),
  retryReturn: (id, number) => call("POST", `${order(id)}/returns/${number}/retry`),
  resolveReturn: (id, number, note) => call("POST", `${order(id)}/returns/${number}/resolve`, { note }),
  warehouses: () => call("GET", "api/v1/warehouses"),
  // What somebody else changed meanwhile is not overwritten; a warehouse that nobody has described has no version yet.
  describe: ({ warehouse_id, version, ...how }) =>
    call("PUT", `api/v1/warehouses/${encodeURIComponent(warehouse_id)}`, how, { headers: version ? { "If-Match": `"${version}"` } : {} }),
  /** What the local runtime would have sent to customers. */
  outbox: () => call("GET", "_omniflow/outbox", undefined, { headers: { accept: "application/json" } }),
  /** What was counted in the last hour. */
  metrics: () => call("GET", "api/v1/metrics"),
  /** Whether a token opens anything; refused with 401 when it does not. */
  knows: (as) => call("GET", "api/v1/orders?limit=1", undefined, { as }),
};
