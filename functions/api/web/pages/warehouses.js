// The warehouses: how each is reached, and whether new orders are shipped from it.
import { html } from "../vendor/preact.js";
import { api } from "../api.js";
import { t, whole } from "../language.js";
import { useLive } from "../live.js";
import { DataProblem, Loading, Problem, useAction } from "../parts.js";

export function Warehouses() {
  const live = useLive(api.warehouses, { every: 15_000, most: 60_000 });
  const { busy, refusal, run } = useAction(live.reload);
  return html`
    <section class="card" aria-labelledby="warehouses">
      <h2 id="warehouses">${t("warehouses")}</h2>
      ${!live.data && html`<${Loading} live=${live} />`}
      <ul class="items">
        ${live.data?.warehouses.map((warehouse) => html`<${Row} key=${warehouse.warehouse_id} warehouse=${warehouse} busy=${busy} run=${run} />`)}
      </ul>
      <${Problem} refusal=${refusal} />
      <${DataProblem} refusal=${live.data && live.refusal} />
    </section>
  `;
}

function Row({ warehouse, busy, run }) {
  const { warehouse_id: id, name, rank, link, endpoint, active } = warehouse;
  return html`
    <li data-warehouse=${id}>
      <strong>${name}</strong> <span class="mono quiet">${id}</span> · ${t(`link.${link}`)} ${endpoint && html`<span class="mono">${endpoint}</span>`} · ${t("warehouse.rank", { n: whole(rank) })}
      ${!active && html` · <span class="failure">${t("warehouse.inactive")}</span>`}${" "}
      <button type="button" aria-disabled=${busy} onClick=${run(() => api.describe({ ...warehouse, active: !active }))}>${t(active ? "warehouse.leave-out" : "warehouse.take-in")}<span class="unseen"> ${name}</span></button>
    </li>
  `;
}
