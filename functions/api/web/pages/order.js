// One order: what it is, how it came there, and its workflow.
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { later } from "../admin/later.js";
import { api } from "../api.js";
import { Attention } from "../attention.js";
import { Delivery, TimeLeft } from "../order-progress.js";
import { t } from "../language.js";
import { useAnnounced, useLive } from "../live.js";
import { OrderActions, methodName } from "../order-actions.js";
import { address } from "../route.js";
import { Amount, Copy, DataProblem, Failure, LiveStatus, Loading, OrderNumber, Status, Time, deadlineOf, isFinal, isSettled, nameIn } from "../parts.js";

const Returns = later("Returns");

export function OrderPage({ id, admits }) {
  const live = useLive(() => api.order(id), { every: 1000, settled: isSettled, wake: deadlineOf, key: id });
  const order = live.data;
  const place = useRef();
  useAnnounced(order?.status, order?.state);
  if (live.refusal?.status === 404 || live.refusal?.status === 400) return html`<${NoOrder} id=${id} />`;
  if (!order) return html`<h1 class="mono">${id}</h1><${Loading} live=${live} />`;
  return html`
    <h1 class="mono">${id} <${Copy} text=${id} /><${OrderNumber} of=${order.number} /></h1>
    <div ref=${place} tabindex="-1">
      <p class="large"><${LiveStatus} order=${order} /></p>
      <${TimeLeft} order=${order} />
      <${Delivery} order=${order} />
      <${OrderActions} order=${order} reload=${live.reload} place=${place} />
    </div>
    <${DataProblem} refusal=${live.refusal} />
    <${Attention} order=${order} reload=${live.reload} />
    ${order.failure && !order.attention && html`<div class="problem"><${Failure} of=${order.failure} /></div>`}
    <div class="cards">
      <${Timeline} order=${order} />
      <${Goods} order=${order} />
      <${Payment} order=${order} admits=${admits} />
    </div>
    ${order.state === "COMPLETED" && html`<${Returns} order=${order} reload=${live.reload} runsShop=${admits} />`}
    ${admits && html`<${WorkflowOf} order=${order} />`}
  `;
}

const NoOrder = ({ id }) => html`
  <h1>${t("order.none")}</h1>
  <p>${t("order.none.what")}</p>
  <p class="mono id">${id}</p>
  <p><a href="#/operations">${t("order.find")}</a></p>
`;

/** The workflow, whose drawing is loaded when it is wanted. */
function WorkflowOf({ order }) {
  const [loaded, setLoaded] = useState(null);
  const [failed, setFailed] = useState(false);
  const load = () => {
    setFailed(false);
    import("../workflow/view.js").then(({ modules }) => setLoaded(modules["workflow/view.js"]), () => setFailed(true));
  };
  useEffect(load, []);
  if (loaded) return html`<${loaded.Workflow} order=${order} />`;
  return html`
    <section class="card" aria-labelledby="workflow">
      <h2 id="workflow">${t("workflow")}</h2>
      ${failed
        ? html`<p class="problem" role="alert">${t("workflow.unloaded")}</p><p><button type="button" onClick=${load}>${t("again")}</button> <button type="button" onClick=${() => location.reload()}>${t("reload")}</button></p>`
        : html`<p class="quiet" role="status">${t("loading")}</p>`}
    </section>
  `;
}

/** The states that the order came to, and what became known of its money, by time. */
function entries(order) {
  const money = (order.payment.history ?? []).map((entry) => ({ ...entry, isMoney: true }));
  return [...order.timeline, ...money].sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
}

const News = ({ entry, currency }) => html`
  <strong>${entry.status}</strong>${entry.amount !== undefined && html` <${Amount} of=${entry.amount} currency=${currency} />`} <${Time} at=${entry.at} />${entry.reason && html` <span class="quiet">${entry.reason}</span>`}
`;

const Timeline = ({ order }) => html`
  <section class="card" aria-labelledby="timeline">
    <h2 id="timeline">${t("timeline")}</h2>
    <ol class="timeline">
      ${entries(order).map((change, index) => change.isMoney ? html`<li key=${index}><${News} entry=${change} currency=${order.currency} /></li>` : html`<li key=${index}><${Status} state=${change.state}>${change.status}<//> <${Time} at=${change.at} />${change.by && html` <span class="quiet">${t(`role.${change.by.role}`)}${change.by.id && ` ${change.by.id}`}${change.note && `: “${change.note}”`}</span>`}</li>`)}
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
    html`<h3>${t("missing")}</h3><ul class="items">${order.missing.map((line) => html`<li key=${line.product_id}>${nameIn(order, line.product_id)}: ${t("missing.line", { wanted: line.wanted, available: line.available })}</li>`)}</ul>`}
    <h3>${t("shipments")}</h3>
    ${order.shipments.length === 0 && html`<p class="quiet">${t(isFinal(order) || order.state === "COMPENSATING" ? "shipments.never" : "shipments.none")}</p>`}
    <ul class="items">
      ${order.shipments.map(
        (shipment) => html`
          <li key=${shipment.warehouse}>
            <strong>${shipment.warehouse}</strong>: <span data-shipment=${shipment.state}>${t(`shipment.${shipment.state}`)}</span> ${shipment.carrier} ${shipment.tracking && html`<${Tracking} of=${shipment} /> <${Copy} text=${shipment.tracking} />`}
            ${shipment.instead_of && html`<div class="quiet">${t("shipment.instead", { warehouse: shipment.instead_of })}</div>`}
            ${shipment.history?.map((said, index) => html`<div key=${index} class="quiet">${t(`said.${said.event}`)} · <${Time} at=${said.at} />${said.reason && ` · “${said.reason}”`}</div>`)}
            <div class="quiet">${shipment.items.map((line) => `${line.quantity} × ${nameIn(order, line.product_id)}`).join(", ")}</div>
          </li>
        `,
      )}
    </ul>
    ${order.address && html`<${AddressOf} address=${order.address} />`}
  </section>
`;

/** The carrier's number, which leads to its page where there is one. The API lets none but https addresses through. */
const Tracking = ({ of }) =>
  of.tracking_url
    ? html`<a class="mono" href=${of.tracking_url} target="_blank" rel="noopener noreferrer">${of.tracking}</a>`
    : html`<span class="mono">${of.tracking}</span>`;

const AddressOf = ({ address }) => html`
  <h3>${t("address")}</h3>
  <address>${[address.name, ...address.lines, [address.postcode, address.city].filter(Boolean).join(" "), address.country].map((line, index) => html`<div key=${index}>${line}</div>`)}</address>
`;

const Payment = ({ order, admits }) => html`
  <section class="card" aria-labelledby="payment">
    <h2 id="payment">${t("payment")}</h2>
    <dl>
      <dt>${t("amount")}</dt><dd><strong><${Amount} of=${order.amount} currency=${order.currency} /></strong></dd>
      <dt>${t("status")}</dt><dd>${t(`payment.${order.payment.state}`)}</dd>
      <dt>${t("payment.method")}</dt><dd>${order.payment.method ? methodName(order.payment.method) : "–"}</dd>
      <dt>${t("payment.deadline")}</dt><dd><${Time} at=${order.payment.deadline} /></dd>
      ${order.payment.provider_id && html`<dt>${t("payment.provider")}</dt><dd><span class="mono">${order.payment.provider_id}</span> <${Copy} text=${order.payment.provider_id} /></dd>`}
      ${order.payment.returned !== undefined && html`<dt>${t("payment.returned")}</dt><dd><${Amount} of=${order.payment.returned} currency=${order.currency} /></dd>`}
      ${order.payment.dispute && html`<dt>${t("payment.dispute")}</dt><dd><strong>${t(`dispute.${order.payment.dispute}`)}</strong></dd>`}
      <dt>${t("customer")}</dt><dd>${order.customer_id ? (admits ? html`<a href=${address(`customers/${encodeURIComponent(order.customer_id)}`)}>${order.customer_id}</a>` : order.customer_id) : "–"}</dd>
      ${order.email && html`<dt>${t("email")}</dt><dd>${order.email}</dd>`}
      ${order.audit && html`<dt>${t("page.review")}</dt><dd>${t(order.audit.approved ? "approved" : "rejected")} · <${Time} at=${order.audit.at} /> ${order.audit.note && html`<div>“${order.audit.note}”</div>`}</dd>`}
    </dl>
  </section>
`;
