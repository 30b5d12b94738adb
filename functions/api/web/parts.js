// Small parts that the pages share.
import { html, useState } from "./vendor/preact.js";
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
};

const FINAL = ["COMPLETED", "CANCELLED", "REJECTED", "NEEDS_ATTENTION"];

/** Whether nothing will change any more. */
export const isFinal = (order) => FINAL.includes(order.state);

/** Whether the customer may still cancel. */
export const isCancellable = (order) => !isFinal(order) && order.state !== "COMPENSATING";

/** An order's or a state's status. */
export const Status = ({ state, children }) =>
  html`<span class="status ${TONES[state] ?? ""}" data-state=${state}>${children}</span>`;

/** An order's id, which leads to its page. */
export const OrderLink = ({ id }) => html`<a class="mono" href="#/orders/${id}">${id}</a>`;

/** A moment. */
export const Time = ({ at }) => (at ? html`<time datetime=${at}>${moment(at)}</time>` : "–");

/** What was ordered, in a line. */
export const Items = ({ items }) => items.map((item) => `${item.quantity} × ${item.name}`).join(", ");

/** An amount of money. */
export const Amount = ({ of }) => html`<span class="amount">${of === null || of === undefined ? "–" : money(of)}</span>`;

/** A refusal, when there is one. */
export const Problem = ({ refusal }) =>
  refusal && html`<p class="problem" role="alert">${refusal.message ?? String(refusal)}</p>`;

/** What is shown until there is something to show. */
export const Loading = ({ live }) =>
  live.refusal ? html`<${Problem} refusal=${live.refusal} />` : html`<p class="quiet" role="status">${t("loading")}</p>`;

/**
 * A button that does something to an order: it waits for the answer, tells of it, and shows a refusal.
 * `act` gives the order as it is then.
 */
export function useAction(after) {
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState(null);
  const run = (act) => async (event) => {
    event?.preventDefault();
    if (busy) return;
    setBusy(true);
    setRefusal(null);
    try {
      const order = await act();
      if (order?.status) announce(`${order.order_id}: ${order.status}`);
    } catch (error) {
      setRefusal(error);
    }
    setBusy(false);
    await after();
  };
  return { busy, refusal, run };
}
