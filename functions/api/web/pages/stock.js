// The stock: a row for each product, with what each warehouse has.
import { html, useState } from "../vendor/preact.js";
import { api } from "../api.js";
import { language, t, whole } from "../language.js";
import { useLive } from "../live.js";
import { DataProblem, Loading } from "../parts.js";

export function Stock() {
  const [next, setNext] = useState("");
  const live = useLive(() => api.stock({ next }), { every: 5000, most: 60_000, key: next });
  const named = (live.data?.products ?? []).map((product) => ({ ...product, name: product.name ?? product.product_id }));
  const products = named.toSorted((one, other) => one.name.localeCompare(other.name, language()));
  const warehouses = [...new Set(products.flatMap((product) => product.warehouses.map((row) => row.warehouse)))].sort();
  return html`
    <section class="card" aria-labelledby="stock">
      <h2 id="stock">${t("stock")}</h2>
      ${!live.data && html`<${Loading} live=${live} />`}
      ${live.data && html`<${Table} products=${products} warehouses=${warehouses} /><${DataProblem} refusal=${live.refusal} />`}
      ${(next || live.data?.next) &&
      html`<div class="row spread"><button type="button" disabled=${!next} onClick=${() => setNext("")}>${t("page.first")}</button><button type="button" disabled=${!live.data?.next} onClick=${() => setNext(live.data.next)}>${t("page.next")}</button></div>`}
    </section>
  `;
}

const sum = (product, what) => product.warehouses.reduce((sum, row) => sum + row[what], 0);

const Table = ({ products, warehouses }) => html`
  <div class="scroll" role="group" aria-labelledby="stock" tabindex="0">
    <table class="stack stock" role="table">
      <thead role="rowgroup">
        <tr role="row">
          <th scope="col" role="columnheader">${t("product")}</th>
          ${warehouses.map((name) => html`<th key=${name} scope="col" role="columnheader" class="number">${name}</th>`)}
          <th scope="col" role="columnheader" class="number">${t("stock.available")}</th><th scope="col" role="columnheader" class="number">${t("stock.reserved")}</th><th scope="col" role="columnheader" class="number">${t("stock.sold")}</th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${products.map(
          (product) => html`
            <tr key=${product.product_id} role="row">
              <th scope="row" role="rowheader">${product.name}</th>
              ${warehouses.map((name) => html`<${Place} key=${name} name=${name} row=${product.warehouses.find((row) => row.warehouse === name)} />`)}
              <td role="cell" class="number" data-label=${t("stock.available")}><strong class=${product.available === 0 ? "failure" : null}>${whole(product.available)}</strong></td>
              <td role="cell" class="number" data-label=${t("stock.reserved")}>${whole(sum(product, "reserved"))}</td>
              <td role="cell" class="number" data-label=${t("stock.sold")}>${whole(sum(product, "sold"))}</td>
            </tr>
          `,
        )}
      </tbody>
    </table>
  </div>
`;

/** What one warehouse can still sell of a product, and what is set aside there for orders. */
const Place = ({ name, row }) => html`
  <td role="cell" class="number" data-label=${name}>
    <span>${row ? whole(row.available) : "–"}${row?.reserved > 0 && html` <span class="quiet" title=${t("stock.reserved")}>(+${whole(row.reserved)}<span class="unseen"> ${t("stock.reserved")}</span>)</span>`}</span>
  </td>
`;
