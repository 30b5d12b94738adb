// Small parts that the pages share.
import { html, useEffect, useRef, useState } from "./vendor/preact.js";
import { isPaused, pause, useLost, usePaused } from "./connection.js";
import { failureOf } from "./failures.js";
import { announce, useNow } from "./live.js";
import { duration, hint, moment, money, t } from "./language.js";

/** The tone of a state: what colour it has, and whether somebody must do something. */
export const TONES = {
  RECEIVED: "moving",
  RESERVED: "moving",
  AWAITING_AUDIT: "waiting",
  AWAITING_PAYMENT: "waiting",
  PAYMENT_RECEIVED: "moving",
  PAID: "moving",
  SHIPPING: "moving",
  COMPLETED: "done",
  COMPENSATING: "undone",
  CANCELLED: "undone",
  REJECTED: "undone",
  NEEDS_ATTENTION: "alarm",
  UNREADABLE: "alarm",
};

/** Whether only the id is known of an order, because what is stored of it can't be read. A list has it all the same. */
export const isUnreadable = (order) => order.state === "UNREADABLE";

/** An order's status for people. */
export const statusOf = (order) => order.status ?? (isUnreadable(order) ? t("unreadable") : order.state);

const FINAL = ["COMPLETED", "CANCELLED", "REJECTED"];

/** Whether nothing will change any more. */
export const isFinal = (order) => FINAL.includes(order.state);

/** Whether a return is still to change. */
export const isOpen = (it) => !["REFUNDED", "REJECTED"].includes(it.state);

/** Whether nothing will change any more of the order and of what comes back of it. */
export const isSettled = (order) => isFinal(order) && !(order.returns ?? []).some(isOpen);

/** Whether the customer may still cancel. */
export const isCancellable = (order) => !isFinal(order) && !["COMPENSATING", "NEEDS_ATTENTION"].includes(order.state);

/** The moment at which an order's time to pay ends, in milliseconds; null when none runs. */
export const deadlineOf = (order) => (order.state === "AWAITING_PAYMENT" && order.payment?.deadline ? Date.parse(order.payment.deadline) : null);

/** An order's status with the time that is left to pay, every second and without asking the server. */
function Countdown({ deadline }) {
  const left = Math.max(0, deadline - useNow());
  return t("status.countdown", { left: duration(Math.ceil(left / 1000) * 1000) });
}

/** An order's status, where it stands for itself. */
export const LiveStatus = ({ order }) => {
  const deadline = deadlineOf(order);
  return html`<${Status} state=${order.state}>${deadline ? html`<${Countdown} deadline=${deadline} />` : statusOf(order)}<//>`;
};

/** An order's or a state's status. */
export const Status = ({ state, children }) =>
  html`<span class="status ${TONES[state] ?? ""}" data-state=${state}>${children}</span>`;

/** The status of an order in a list. */
export const OrderStatus = ({ order }) => html`<${LiveStatus} order=${order} />`;

/** The number that people call an order by; orders that an earlier release made have none. */
export const OrderNumber = ({ of }) => (of ? html` <span class="quiet" data-number=${of}>#${of}</span>` : null);

/** An order's id, which leads to its page, and its number. */
export const OrderLink = ({ id, number }) => html`<a class="mono" href="#/orders/${id}">${id}</a><${OrderNumber} of=${number} />`;

/** A moment. */
export const Time = ({ at }) => (at ? html`<time datetime=${at}>${moment(at)}</time>` : "–");

/** What was ordered, in a line. */
export const Items = ({ items }) => (items?.length > 0 ? items.map((item) => `${item.quantity} × ${item.name}`).join(", ") : "–");

/** How long ago an order came to what it is now, in words. */
export function ageOf(order, now) {
  const at = order.timeline?.at(-1)?.at ?? order.created_at;
  return at ? t("ago", { age: duration(now - Date.parse(at)) }) : "";
}

/** What one product of an order is called. */
export const nameIn = (order, id) => order.items?.find((item) => item.product_id === id)?.name ?? id;

/** A failure in people's words; what else the system says of it, for those who look deeper. */
export function Failure({ of }) {
  return html`${failureOf(of).words}<${Technical} of=${of} />`;
}

/** What the system says of a failure beyond people's words, folded away. */
export function Technical({ of }) {
  const { detail } = failureOf(of);
  return detail && html`<details class="technical"><summary>${t("technical")}</summary><span class="mono" lang="en">${detail}</span></details>`;
}

/** A button that copies a text. */
export function Copy({ text }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    announce(t("copied"));
    setTimeout(() => setCopied(false), 2000);
  };
  // Browsers let only pages of this machine or with TLS write to the clipboard.
  if (!navigator.clipboard) return null;
  return html`<button type="button" class="copy" title=${t("copy")} aria-label="${t("copy")}: ${text}" onClick=${copy}>${copied ? "✓" : html`<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M6 6h8v8H6zM10 6V2H2v8h4" /></svg>`}</button>`;
}

/** How old the page's data are, and the button that pauses its updates. */
export function Fresh({ live }) {
  const paused = usePaused();
  useNow();
  const age = live.at ? Math.max(0, Date.now() - live.at) : null;
  return html`
    <p class="fresh">
      <span class="quiet">${age !== null && t(paused ? "fresh.paused" : "fresh", { age: duration(age) })}</span>
      <button type="button" class="small" aria-pressed=${paused} onClick=${() => pause(!isPaused())}>${t(paused ? "resume" : "pause")}</button>
    </p>
  `;
}

/** An amount of money in a currency. */
export const Amount = ({ of, currency }) => html`<span class="amount">${of === null || of === undefined ? "–" : money(of, currency)}</span>`;

/** A refusal, when there is one. */
export const Problem = ({ refusal }) =>
  refusal && html`<p class="problem" role="alert">${textOf(refusal)}</p>`;

/** A refusal in the reader's language, where its kind is known here; else what the API says of it. */
export function textOf({ status, problem, message }) {
  if (status === 0) return t("refused.unreachable");
  // What is open says why; the order waits for an answer that goes with it.
  if (status === 409 && problem.open) return message;
  if (status === 409 && problem.order_status) return t("refused.too-late", { status: problem.order_status });
  const kind = String(problem.type ?? "").split(":").pop();
  return hint(`refused.${kind}`) || (status >= 500 ? t("refused.unavailable") : message);
}

/** Refusals that the page says elsewhere: that there is no connection, and that a sign-in is wanted. */
const isToldElsewhere = ({ status }) => status === 0 || status === 401;

/** A refusal of the page's data, unless the page tells it elsewhere. */
export const DataProblem = ({ refusal }) => refusal && !isToldElsewhere(refusal) && refusal.status < 500 && html`<${Problem} refusal=${refusal} />`;

/** What is shown until there is something to show. */
export const Loading = ({ live }) =>
  live.refusal && !isToldElsewhere(live.refusal)
    ? html`<${Problem} refusal=${live.refusal} />`
    : html`<p class="quiet" role="status">${t(live.refusal ? "waiting" : "loading")}</p>`;

/**
 * A button that does something to an order: it waits for the answer, tells of it, and shows a refusal.
 * `act` gives the order as it is then. While there is no connection, it waits for one. What is pressed meanwhile does nothing; mark such buttons with `aria-disabled`
 * rather than `disabled`, which would take the keyboard's focus from them.
 */
export function useAction(after) {
  const [busy, setBusy] = useState(false);
  const lost = useLost();
  const [refusal, setRefusal] = useState(null);
  // The second click of a double click can come before the page shows the first one's effect.
  const running = useRef(false);
  const run = (act) => async (event) => {
    event?.preventDefault();
    if (running.current || lost) return;
    running.current = true;
    setBusy(true);
    setRefusal(null);
    try {
      const order = await act();
      if (order?.status) announce(`${order.order_id}: ${order.status}`);
    } catch (error) {
      setRefusal(error);
    }
    running.current = false;
    setBusy(false);
    await after();
  };
  return { busy: busy || lost, lost, refusal, run };
}

/**
 * Keeps the keyboard's place. When the focused control inside an element goes away, because it has done its work or can
 * do it no more, the element itself (`place`, a ref; it needs `tabindex="-1"`) gets the focus, instead of the page's
 * very beginning. Gives a function that does so at once, if the focus is lost.
 */
export function useKeptFocus(place) {
  // Asked while rendering, that is, before the page changes.
  const wasInside = Boolean(place.current?.contains(document.activeElement));
  const restore = () => isFocusLost() && place.current?.focus();
  useEffect(() => {
    if (wasInside) restore();
  });
  return restore;
}

function isFocusLost() {
  const focused = document.activeElement;
  return !focused || focused === document.body || !focused.checkVisibility({ visibilityProperty: true });
}
