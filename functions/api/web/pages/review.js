// The review queue: the orders that wait for a person's verdict, the longest waiting first.
import { html, useState } from "../vendor/preact.js";
import { api } from "../api.js";
import { duration, t } from "../language.js";
import { useLive, useNow } from "../live.js";
import { Amount, Loading, OrderLink, Problem, useAction } from "../parts.js";

const LIMIT = 100;

const since = (order) => order.timeline.findLast((change) => change.state === "AWAITING_AUDIT")?.at ?? order.created_at;

export function Review() {
  const live = useLive(() => api.orders({ state: "AWAITING_AUDIT", limit: LIMIT }), { every: 3000 });
  const now = useNow();
  const orders = [...(live.data?.orders ?? [])].reverse();
  return html`
    <h1>${t("page.review")}</h1>
    <p class="quiet">${t("review.what")}</p>
    ${!live.data && html`<${Loading} live=${live} />`}
    ${live.data && orders.length === 0 && html`<p class="card">${t("review.none")}</p>`}
    ${live.data?.next && html`<p class="quiet">${t("review.more", { n: LIMIT })}</p>`}
    <div class="cards">
      ${orders.map((order) => html`<${Case} key=${order.order_id} order=${order} waits=${now - new Date(since(order))} reload=${live.reload} />`)}
    </div>
  `;
}

function Case({ order, waits, reload }) {
  const [note, setNote] = useState("");
  const { busy, refusal, run } = useAction(reload);
  const id = order.order_id;
  const decide = (action) => run(() => api.audit(id, action, note.trim()));
  return html`
    <article class="card" data-order=${id}>
      <h2><${OrderLink} id=${id} /></h2>
      <dl>
        <dt>${t("customer")}</dt><dd>${order.customer_id ?? "–"}</dd>
        <dt>${t("amount")}</dt><dd><strong><${Amount} of=${order.amount} /></strong></dd>
        <dt>${t("waits")}</dt><dd>${duration(waits)}</dd>
        <dt>${t("payment")}</dt><dd>${order.payment.method ? t(`method.${order.payment.method}`) : t("payment.later")}</dd>
      </dl>
      <ul class="items">
        ${order.items.map((item) => html`<li key=${item.product_id}>${item.quantity} × ${item.name} ${item.price !== null && html`<span class="quiet">· <${Amount} of=${item.price} /></span>`}</li>`)}
      </ul>
      <label for="note-${id}">${t("review.note")}</label>
      <textarea id="note-${id}" rows="2" maxlength="1000" value=${note} onInput=${(event) => setNote(event.target.value)}></textarea>
      <div class="actions">
        <button type="button" class="primary" disabled=${busy} onClick=${decide("APPROVE")}>${t("approve")}</button>
        <button type="button" class="danger" disabled=${busy} onClick=${decide("REJECT")}>${t("reject")}</button>
      </div>
      <${Problem} refusal=${refusal} />
    </article>
  `;
}
