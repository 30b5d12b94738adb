// What comes back of an order: whoever has it asks for a return, and those who run the shop approve it, take the goods
// in, and look after one that failed.
import { html, useState } from "./vendor/preact.js";
import { api } from "./api.js";
import { t } from "./language.js";
import { announce } from "./live.js";
import { Amount, Failure, Problem, Time, isOpen, nameIn, useAction } from "./parts.js";

const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16)).join("-");

/** A call about a return: tells what became of it. */
const told = async (call) => {
  const it = await call;
  announce(`${t("returns.one", { number: it.return })}: ${it.status}`);
};

/** The returns of a completed order, and the form that asks for one. */
export function Returns({ order, reload, runsShop }) {
  return html`
    <section class="card" aria-labelledby="returns">
      <h2 id="returns">${t("returns")}</h2>
      ${(order.returns ?? []).map((it) => html`<${One} key=${it.return} order=${order} it=${it} reload=${reload} runsShop=${runsShop} />`)}
      <${Ask} order=${order} reload=${reload} />
    </section>
  `;
}

const One = ({ order, it, reload, runsShop }) => html`
  <div data-return=${it.return}>
    <h3>${t("returns.one", { number: it.return })}: <span data-return-state=${it.state}>${it.status}</span></h3>
    <ul class="items">
      ${it.items.map((line) => html`<li key=${`${line.product_id} ${line.warehouse}`}>${line.quantity} × ${nameIn(order, line.product_id)} → ${line.warehouse} <span class="quiet">${t("returns.came", { restocked: line.restocked ?? 0, lost: line.written_off ?? 0 })}</span></li>`)}
    </ul>
    <p>${t(it.refund === undefined ? "returns.value" : "returns.refund")}: <strong><${Amount} of=${it.refund ?? it.value} currency=${it.currency} /></strong> ${it.reason && html`<span class="quiet">“${it.reason}”</span>`}</p>
    <ol class="timeline">
      ${it.history.map((change, index) => html`<li key=${index}>${change.status} <${Time} at=${change.at} />${change.by && html` <span class="quiet">${t(`role.${change.by.role}`)} ${change.by.id}</span>`}${change.note && html` <span class="quiet">“${change.note}”</span>`}</li>`)}
    </ol>
    ${it.failure && html`<div class="problem"><${Failure} of=${it.failure} /></div>`}
    ${runsShop && isOpen(it) && html`<${Desk} order=${order} it=${it} reload=${reload} />`}
  </div>
`;

/** What those who run the shop can do with a return now. */
function Desk({ order, it, reload }) {
  const { busy, refusal, run } = useAction(reload);
  const [note, setNote] = useState("");
  const [id, number] = [order.order_id, it.return];
  const button = (name, act, kind = "") =>
    html`<button type="button" class=${kind} data-do=${name} aria-disabled=${busy} onClick=${run(() => told(act()))}>${t(`returns.${name}`)}</button>`;
  return html`
    ${it.state === "AWAITING_GOODS" && html`<${Receive} order=${order} it=${it} busy=${busy} run=${run} />`}
    <div class="actions">
      ${it.state === "AWAITING_REVIEW" && button("approve", () => api.auditReturn(id, number, "APPROVE"), "primary")}
      ${["AWAITING_REVIEW", "AWAITING_GOODS"].includes(it.state) && button("reject", () => api.auditReturn(id, number, "REJECT"), "danger")}
      ${it.state === "NEEDS_ATTENTION" && button("retry", () => api.retryReturn(id, number), "primary")}
    </div>
    ${it.state === "NEEDS_ATTENTION" && it.refund !== undefined &&
    html`
      <form class="row" onSubmit=${run(() => told(api.resolveReturn(id, number, note)))}>
        <label for="resolve-${number}">${t("returns.by-hand")}</label>
        <input id="resolve-${number}" required maxlength="1000" value=${note} onInput=${(event) => setNote(event.target.value)} />
        <button class="danger" aria-disabled=${busy}>${t("returns.resolve")}</button>
      </form>
    `}
    <${Problem} refusal=${refusal} />
  `;
}

/** The pieces of each product, over all warehouses. */
function piecesOf(lines) {
  const pieces = new Map();
  for (const line of lines) pieces.set(line.product_id, (pieces.get(line.product_id) ?? 0) + line.quantity);
  return [...pieces];
}

/** A field for a number of pieces. */
const Pieces = ({ id, label, most, value, set }) => html`
  <label for=${id}>${label}</label>
  <input id=${id} type="number" min="0" max=${most} value=${value} onInput=${(event) => set(event.target.value)} />
`;

function Receive({ order, it, busy, run }) {
  const asked = piecesOf(it.items);
  const [came, setCame] = useState(() => Object.fromEntries(asked.flatMap(([id, pieces]) => [[`restock ${id}`, pieces], [`write_off ${id}`, 0]])));
  const set = (key) => (value) => setCame({ ...came, [key]: value });
  const items = () => asked.map(([id]) => ({ product_id: id, restock: Number(came[`restock ${id}`]), write_off: Number(came[`write_off ${id}`]) }));
  return html`
    <form onSubmit=${run(() => told(api.receiveReturn(order.order_id, it.return, items())))}>
      ${asked.map(([id, pieces]) => html`
        <fieldset key=${id}>
          <legend>${nameIn(order, id)}</legend>
          <${Pieces} id="restock-${it.return}-${id}" label=${t("returns.restock")} most=${pieces} value=${came[`restock ${id}`]} set=${set(`restock ${id}`)} />
          <${Pieces} id="write-off-${it.return}-${id}" label=${t("returns.write-off")} most=${pieces} value=${came[`write_off ${id}`]} set=${set(`write_off ${id}`)} />
        </fieldset>
      `)}
      <button class="primary" data-do="receive" aria-disabled=${busy}>${t("returns.receive")}</button>
    </form>
  `;
}

function Ask({ order, reload }) {
  const { busy, refusal, run } = useAction(reload);
  const [wanted, setWanted] = useState({});
  const [reason, setReason] = useState("");
  const [key, setKey] = useState(newKey());
  const bought = piecesOf(order.items);
  const ask = async () => {
    const items = bought.map(([id]) => ({ product_id: id, quantity: Number(wanted[id] ?? 0) })).filter((item) => item.quantity > 0);
    try {
      await told(api.askReturn(order.order_id, items, reason, key));
      setWanted({});
      setReason("");
    } finally {
      // What was refused may be asked again with other numbers.
      setKey(newKey());
    }
  };
  return html`
    <details>
      <summary>${t("returns.ask")}</summary>
      <form onSubmit=${run(ask)}>
        ${bought.map(([id, pieces]) => html`<${Pieces} key=${id} id="return-${id}" label=${nameIn(order, id)} most=${pieces} value=${wanted[id] ?? 0} set=${(value) => setWanted({ ...wanted, [id]: value })} />`)}
        <label for="return-reason">${t("returns.reason")}</label>
        <input id="return-reason" required maxlength="200" value=${reason} onInput=${(event) => setReason(event.target.value)} />
        <button class="primary" data-do="ask-return" aria-disabled=${busy}>${t("returns.send")}</button>
      </form>
      <${Problem} refusal=${refusal} />
    </details>
  `;
}
