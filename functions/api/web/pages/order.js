// One order: what it is, how it came there, and its workflow.
import { html, useRef } from "../vendor/preact.js";
import { api } from "../api.js";
import { t } from "../language.js";
import { useAnnounced, useLive } from "../live.js";
import { OrderActions } from "../order-actions.js";
import { Amount, Loading, Problem, Status, Time, isFinal } from "../parts.js";
import { Workflow } from "../workflow/view.js";

export function OrderPage({ id }) {
  const live = useLive(() => api.order(id), { every: 1000, settled: isFinal, key: id });
  const order = live.data;
  const place = useRef();
  useAnnounced(order?.status, order?.state);
  if (!order) return html`<h1 class="mono">${id}</h1><${Loading} live=${live} />`;
  return html`
    <h1 class="mono">${id}</h1>
    <div ref=${place} tabindex="-1">
      <p class="large"><${Status} state=${order.state}>${order.status}<//></p>
      <${OrderActions} order=${order} reload=${live.reload} place=${place} />
    </div>
    <${Problem} refusal=${live.refusal} />
    ${order.failure && html`<p class="problem">${order.failure}</p>`}
    <div class="cards">
      <${Timeline} timeline=${order.timeline} />
      <${Goods} order=${order} />
      <${Payment} order=${order} />
    </div>
    <${Workflow} order=${order} />
  `;
}

const Timeline = ({ timeline }) => html`
  <section class="card" aria-labelledby="timeline">
    <h2 id="timeline">${t("timeline")}</h2>
    <ol class="timeline">
      ${timeline.map((change) => html`<li key=${change.state}><${Status} state=${change.state}>${change.status}<//> <${Time} at=${change.at} /></li>`)}
    </ol>
  </section>
`;

const Goods = ({ order }) => html`
  <section class="card" aria-labelledby="goods">
    <h2 id="goods">${t("items")}</h2>
    <ul class="items">
      ${order.items.map((item) => html`<li key=${item.product_id}>${item.quantity} × ${item.name} ${item.price !== null && html`<span class="quiet">· <${Amount} of=${item.price} currency=${order.currency} /></span>`}</li>`)}
    </ul>
    ${order.missing?.length > 0 &&
    html`<h3>${t("missing")}</h3><ul class="items">${order.missing.map((line) => html`<li key=${line.product_id}>${line.product_id}: ${t("missing.line", { wanted: line.wanted, available: line.available })}</li>`)}</ul>`}
    <h3>${t("shipments")}</h3>
    ${order.shipments.length === 0 && html`<p class="quiet">${t("shipments.none")}</p>`}
    <ul class="items">
      ${order.shipments.map(
        (shipment) => html`
          <li key=${shipment.warehouse}>
            <strong>${shipment.warehouse}</strong>: ${t(`shipment.${shipment.state}`)} ${shipment.tracking && html`<span class="mono">${shipment.tracking}</span>`}
            <div class="quiet">${shipment.items.map((line) => `${line.quantity} × ${line.product_id}`).join(", ")}</div>
          </li>
        `,
      )}
    </ul>
  </section>
`;

const Payment = ({ order }) => html`
  <section class="card" aria-labelledby="payment">
    <h2 id="payment">${t("payment")}</h2>
    <dl>
      <dt>${t("amount")}</dt><dd><strong><${Amount} of=${order.amount} currency=${order.currency} /></strong></dd>
      <dt>${t("status")}</dt><dd>${t(`payment.${order.payment.state}`)}</dd>
      <dt>${t("payment.method")}</dt><dd>${order.payment.method ? t(`method.${order.payment.method}`) : "–"}</dd>
      <dt>${t("payment.deadline")}</dt><dd><${Time} at=${order.payment.deadline} /></dd>
      <dt>${t("customer")}</dt><dd>${order.customer_id ?? "–"}</dd>
      ${order.audit && html`<dt>${t("page.review")}</dt><dd>${t(order.audit.approved ? "approved" : "rejected")} · <${Time} at=${order.audit.at} /> ${order.audit.note && html`<div>“${order.audit.note}”</div>`}</dd>`}
    </dl>
  </section>
`;
