// What each warehouse has of a product, what was moved there and by whom, and the form that moves more.
import { html, useState } from "../vendor/preact.js";
import { api } from "../api.js";
import { t, whole } from "../language.js";
import { announce, useLive } from "../live.js";
import { DataProblem, Problem, Time, useAction } from "../parts.js";

const KINDS = ["receive", "adjust", "count", "transfer"];
const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16)).join("-");

export function Shelves({ product, moved }) {
  const id = product.product_id;
  const stock = useLive(() => api.productStock(id), { every: 10_000, most: 60_000, key: id });
  const rows = stock.data?.warehouses ?? [];
  const [chosen, setChosen] = useState(null);
  const shown = chosen ?? rows[0]?.warehouse;
  const [renewed, setRenewed] = useState(0);
  const done = (warehouse) => {
    setChosen(warehouse);
    setRenewed(renewed + 1);
    stock.reload();
    moved();
  };
  return html`
    <h4>${t("stock")} ${stock.data?.low && html`<span class="badge alarm">⚠ ${t("catalogue.is-low")}</span>`}</h4>
    ${stock.data && rows.length === 0 && html`<p>${t("catalogue.no-stock")}</p>`}
    ${rows.length > 0 && html`<${Places} id=${id} rows=${rows} shown=${shown} choose=${setChosen} />`}
    <${DataProblem} refusal=${stock.refusal} />
    ${shown && html`<${Movements} key=${`${shown} ${renewed}`} product=${id} warehouse=${shown} />`}
    <${Move} product=${product} warehouses=${rows.map((row) => row.warehouse)} done=${done} />
  `;
}

const Places = ({ id, rows, shown, choose }) => html`
  <table class="stack" role="table" aria-label=${t("stock")}>
    <thead role="rowgroup">
      <tr role="row"><th scope="col" role="columnheader">${t("warehouse")}</th>${["available", "reserved", "sold", "lost"].map((what) => html`<th key=${what} scope="col" role="columnheader" class="number">${t(`stock.${what}`)}</th>`)}<th scope="col" role="columnheader">${t("movements")}</th></tr>
    </thead>
    <tbody role="rowgroup">
      ${rows.map(
        (row) => html`
          <tr key=${row.warehouse} role="row" data-place=${`${id}/${row.warehouse}`}>
            <th scope="row" role="rowheader" class="mono">${row.warehouse}</th>
            ${["available", "reserved", "sold", "lost"].map((what) => html`<td key=${what} role="cell" class="number" data-label=${t(`stock.${what}`)}>${whole(row[what])}</td>`)}
            <td role="cell" data-label=${t("movements")}><button type="button" class="small" aria-pressed=${row.warehouse === shown} onClick=${() => choose(row.warehouse)}>${t("movements.show")}<span class="unseen"> ${row.warehouse}</span></button></td>
          </tr>
        `,
      )}
    </tbody>
  </table>
`;

/** The movements of a product in one warehouse, the newest first, page by page. */
function Movements({ product, warehouse }) {
  const [next, setNext] = useState("");
  const live = useLive(() => api.movements(product, warehouse, next), { every: 30_000, most: 120_000, key: next });
  const movements = live.data?.movements ?? [];
  return html`
    <h4>${t("movements.of", { warehouse })}</h4>
    ${live.data && movements.length === 0 && html`<p class="quiet">${t("movements.none")}</p>`}
    ${movements.length > 0 &&
    html`
      <table class="stack movements" role="table" aria-label=${t("movements.of", { warehouse })}>
        <thead role="rowgroup">
          <tr role="row"><th scope="col" role="columnheader">${t("event.time")}</th><th scope="col" role="columnheader">${t("catalogue.kind")}</th><th scope="col" role="columnheader" class="number">${t("movements.change")}</th><th scope="col" role="columnheader" class="number">${t("stock.available")}</th><th scope="col" role="columnheader">${t("catalogue.reason")}</th><th scope="col" role="columnheader">${t("movements.by")}</th></tr>
        </thead>
        <tbody role="rowgroup">${movements.map((one) => html`<${Movement} key=${one.movement_id} one=${one} />`)}</tbody>
      </table>
    `}
    <${DataProblem} refusal=${live.refusal} />
    ${(next || live.data?.next) &&
    html`<p class="row"><button type="button" class="small" disabled=${!next} onClick=${() => setNext("")}>${t("page.first")}</button><button type="button" class="small" disabled=${!live.data?.next} onClick=${() => setNext(live.data.next)}>${t("page.next")}</button></p>`}
  `;
}

const Movement = ({ one }) => html`
  <tr role="row" data-movement=${one.kind}>
    <td role="cell" data-label=${t("event.time")}><${Time} at=${one.at} /></td>
    <td role="cell" data-label=${t("catalogue.kind")}>${t(`movement.${one.kind}`)}</td>
    <td role="cell" class="number" data-label=${t("movements.change")}>${one.change > 0 ? "+" : ""}${whole(one.change)}</td>
    <td role="cell" class="number" data-label=${t("stock.available")}>${whole(one.available)}</td>
    <td role="cell" class="wide" data-label=${t("catalogue.reason")}><span>${one.reason}${one.reference ? ` (${one.reference})` : ""}</span></td>
    <td role="cell" data-label=${t("movements.by")}>${one.by.email ?? one.by.id ?? t(`role.${one.by.role}`)}</td>
  </tr>
`;

function Move({ product, warehouses, done }) {
  const id = `move-${product.product_id}`;
  const [typed, setTyped] = useState({ warehouse: null, kind: "receive", quantity: "", reason: "", to: "" });
  const warehouse = typed.warehouse ?? warehouses[0] ?? "";
  // The same key until there is an answer: who submits again after a lost one moves once.
  const [key, setKey] = useState(newKey());
  const { busy, refusal, run } = useAction(async () => {});
  const set = (name) => (event) => setTyped({ ...typed, [name]: event.target.value });
  const move = async () => {
    const wanted = { kind: typed.kind, quantity: Number(typed.quantity), reason: typed.reason };
    if (typed.kind === "transfer") wanted.to = typed.to.trim();
    try {
      const made = await api.move(product.product_id, warehouse.trim(), wanted, key);
      announce(t("catalogue.moved", { available: whole(made.available), warehouse: made.warehouse }));
    } catch (error) {
      if (error.status >= 400 && error.status < 500) setKey(newKey());
      throw error;
    }
    setTyped({ ...typed, quantity: "", reason: "" });
    setKey(newKey());
    done(warehouse.trim());
  };
  return html`
    <h4>${t("catalogue.move")}</h4>
    <form data-move=${product.product_id} onSubmit=${run(move)}>
      <div class="fields">
        <div><label for="${id}-kind">${t("catalogue.kind")}</label><select id="${id}-kind" value=${typed.kind} onChange=${set("kind")}>${KINDS.map((kind) => html`<option key=${kind} value=${kind}>${t(`movement.${kind}`)}</option>`)}</select><small>${t(`movement.${typed.kind}.what`)}</small></div>
        <div><label for="${id}-warehouse">${t("warehouse")}</label><input id="${id}-warehouse" class="mono" list="${id}-known" required maxlength="64" value=${warehouse} onInput=${set("warehouse")} /><datalist id="${id}-known">${warehouses.map((name) => html`<option key=${name} value=${name} />`)}</datalist></div>
        ${typed.kind === "transfer" && html`<div><label for="${id}-to">${t("catalogue.to")}</label><input id="${id}-to" class="mono" list="${id}-known" required maxlength="64" value=${typed.to} onInput=${set("to")} /></div>`}
        <div><label for="${id}-quantity">${t("quantity")}</label><input id="${id}-quantity" type="number" step="1" required value=${typed.quantity} onInput=${set("quantity")} /></div>
        <div><label for="${id}-reason">${t("catalogue.reason")}</label><input id="${id}-reason" required maxlength="200" value=${typed.reason} onInput=${set("reason")} /></div>
      </div>
      <button class="primary" aria-disabled=${busy}>${t("catalogue.move")}</button>
      <${Problem} refusal=${refusal} />
    </form>
  `;
}
