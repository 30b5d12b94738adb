// Small parts that the pages share.
import { html, useEffect, useRef, useState } from "./vendor/preact.js";
import { announce } from "./live.js";
import { moment, money, t } from "./language.js";

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

const FINAL = ["COMPLETED", "CANCELLED", "REJECTED", "NEEDS_ATTENTION"];

/** Whether nothing will change any more. */
export const isFinal = (order) => FINAL.includes(order.state);

/** Whether the customer may still cancel. */
export const isCancellable = (order) => !isFinal(order) && order.state !== "COMPENSATING";

/** An order's or a state's status. */
export const Status = ({ state, children }) =>
  html`<span class="status ${TONES[state] ?? ""}" data-state=${state}>${children}</span>`;

/** The status of an order in a list. */
export const OrderStatus = ({ order }) => html`<${Status} state=${order.state}>${statusOf(order)}<//>`;

/** An order's id, which leads to its page. */
export const OrderLink = ({ id }) => html`<a class="mono" href="#/orders/${id}">${id}</a>`;

/** A moment. */
export const Time = ({ at }) => (at ? html`<time datetime=${at}>${moment(at)}</time>` : "–");

/** What was ordered, in a line. */
export const Items = ({ items }) => (items?.length > 0 ? items.map((item) => `${item.quantity} × ${item.name}`).join(", ") : "–");

/** An amount of money in a currency. */
export const Amount = ({ of, currency }) => html`<span class="amount">${of === null || of === undefined ? "–" : money(of, currency)}</span>`;

/** A refusal, when there is one. */
export const Problem = ({ refusal }) =>
  refusal && html`<p class="problem" role="alert">${textOf(refusal)}</p>`;

/** A refusal in the reader's language, where its kind is known here; else what the API says of it. */
function textOf({ status, problem, message }) {
  if (status === 0) return t("refused.unreachable");
  if (status === 409 && problem.order_status) return t("refused.too-late", { status: problem.order_status });
  return status >= 500 ? t("refused.unavailable") : message;
}

/** What is shown until there is something to show. */
export const Loading = ({ live }) =>
  live.refusal ? html`<${Problem} refusal=${live.refusal} />` : html`<p class="quiet" role="status">${t("loading")}</p>`;

/**
 * A button that does something to an order: it waits for the answer, tells of it, and shows a refusal.
 * `act` gives the order as it is then. What is pressed meanwhile does nothing; mark such buttons with `aria-disabled`
 * rather than `disabled`, which would take the keyboard's focus from them.
 */
export function useAction(after) {
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState(null);
  // The second click of a double click can come before the page shows the first one's effect.
  const running = useRef(false);
  const run = (act) => async (event) => {
    event?.preventDefault();
    if (running.current) return;
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
  return { busy, refusal, run };
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
