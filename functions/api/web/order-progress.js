// How an order goes on, for who waits for it: the time that is left to pay, and where the goods are.
import { html } from "./vendor/preact.js";
import { t, whole } from "./language.js";
import { useNow } from "./live.js";
import { Time, deadlineOf } from "./parts.js";

/** The time to pay, running out. */
export function TimeLeft({ order }) {
  const deadline = deadlineOf(order);
  return deadline && html`<${Bar} deadline=${deadline} begun=${Date.parse(order.timeline.findLast((change) => change.state === "AWAITING_PAYMENT")?.at ?? order.created_at)} />`;
}

function Bar({ deadline, begun }) {
  const now = useNow();
  const left = Math.max(0, Math.ceil((deadline - now) / 1000));
  const all = Math.max(left, Math.round((deadline - begun) / 1000), 1);
  return html`<p class="time-left"><progress value=${left} max=${all} aria-label=${t("payment.left")}></progress> <span class="quiet">${t("payment.deadline")} <${Time} at=${new Date(deadline).toISOString()} /></span></p>`;
}

/** When the shop heard something of a shipment; null when it didn't. */
const saidAt = (shipment, event) => shipment.history?.findLast((said) => said.event === event)?.at ?? null;

const latest = (moments) => moments.filter(Boolean).sort().at(-1) ?? null;

/** Where the goods are, as far as the warehouses tell. Nothing before the first of them is asked, or when there is nothing to come. */
export function Delivery({ order }) {
  const going = order.shipments.filter(({ state }) => state !== "REJECTED" && state !== "CANCELLED");
  if (going.length === 0 || ["COMPENSATING", "CANCELLED", "REJECTED"].includes(order.state)) return null;
  const delivered = going.filter(({ state }) => state === "DELIVERED");
  const out = going.filter(({ state }) => state === "SHIPPED" || state === "DELIVERED");
  const late = going.filter(({ state, history }) => state === "DISPATCHED" && history?.at(-1)?.event === "DELAYED");
  const of = (some) => (some.length < going.length ? ` ${t("delivery.of", { n: whole(some.length), all: whole(going.length) })}` : "");
  const line = (kind, some, at) => html`<p class="delivery" data-delivery=${kind}>${t(`delivery.${kind}`)}${at && html` <${Time} at=${at} />`}${of(some)}</p>`;
  const completed = order.timeline.findLast((change) => change.state === "COMPLETED")?.at;
  const told = [];
  if (delivered.length > 0) told.push(line("delivered", delivered, latest(delivered.map((one) => saidAt(one, "DELIVERED")))));
  else if (out.length > 0) {
    // A warehouse that ships at once says no moment, and only the completion of the order has one.
    const at = latest(out.map((one) => saidAt(one, "SHIPPED"))) ?? completed;
    told.push(line(at ? "shipped" : "out", out, at));
  }
  if (late.length > 0) told.push(html`<p class="delivery scarce" data-delivery="delayed">⚠ ${t("delivery.delayed")}${of(late)}${late[0].history.at(-1).reason && `: “${late[0].history.at(-1).reason}”`}</p>`);
  return told;
}
