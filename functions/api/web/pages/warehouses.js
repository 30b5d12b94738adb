// The warehouses: how each is reached, in which order they are asked, and whether new orders are shipped from it.
import { html, useEffect, useState } from "../vendor/preact.js";
import { api } from "../api.js";
import { t, whole } from "../language.js";
import { announce, useLive } from "../live.js";
import { DataProblem, Fresh, Loading, Problem, useAction } from "../parts.js";

const LINKS = ["simulated", "http"];
/** Where a warehouse stands that nobody has ranked; the API has the same. */
const USUAL_RANK = 100;
const MOST_RANK = 1_000_000;

export function Warehouses() {
  const live = useLive(api.warehouses, { every: 15_000, most: 60_000 });
  const [open, setOpen] = useState(null);
  const warehouses = live.data?.warehouses ?? [];
  const saved = (warehouse) => {
    announce(t("warehouse.saved", { name: warehouse.name }));
    setOpen(null);
    live.reload();
  };
  return html`
    <h1>${t("page.warehouses")}</h1>
    <p class="quiet">${t("warehouses.what")}</p>
    <${Fresh} live=${live} />
    <${Adding} known=${warehouses} saved=${saved} />
    ${!live.data && html`<${Loading} live=${live} />`}
    ${live.data && warehouses.length === 0 && html`<p class="card">${t("warehouses.none")}</p>`}
    <div class="cards">
      ${warehouses.map((warehouse) => html`<${Card} key=${warehouse.warehouse_id} warehouse=${warehouse} isOpen=${open === warehouse.warehouse_id} toggle=${() => setOpen(open === warehouse.warehouse_id ? null : warehouse.warehouse_id)} saved=${saved} reload=${live.reload} />`)}
    </div>
    <${DataProblem} refusal=${live.data && live.refusal} />
  `;
}

function Card({ warehouse, isOpen, toggle, saved, reload }) {
  const { warehouse_id: id, name, rank, link, endpoint, active } = warehouse;
  const { busy, refusal, run } = useAction(reload);
  return html`
    <article class="card" data-warehouse=${id} aria-labelledby="warehouse-${id}">
      <h2 id="warehouse-${id}">${name}</h2>
      <dl>
        <dt>${t("catalogue.id")}</dt><dd class="mono id">${id}</dd>
        <dt>${t("warehouse.link")}</dt><dd>${t(`link.${link}`)} ${endpoint && html`<span class="mono id">${endpoint}</span>`}</dd>
        <dt>${t("warehouse.order")}</dt><dd>${whole(rank)}</dd>
        <dt>${t("status")}</dt><dd class=${active ? "" : "failure"}>${t(active ? "warehouse.active" : "warehouse.inactive")}</dd>
      </dl>
      <p class="actions">
        <button type="button" aria-expanded=${isOpen} onClick=${toggle}>${t(isOpen ? "catalogue.close" : "warehouse.change")}<span class="unseen"> ${name}</span></button>
        <button type="button" aria-disabled=${busy} onClick=${run(() => api.describe({ ...warehouse, active: !active }))}>${t(active ? "warehouse.leave-out" : "warehouse.take-in")}<span class="unseen"> ${name}</span></button>
      </p>
      ${isOpen && html`<${Form} id=${id} warehouse=${warehouse} saved=${saved} />`}
      <${Problem} refusal=${refusal} />
    </article>
  `;
}

/** What is typed stays while the list is renewed; it is sent as a whole. */
function Form({ id, warehouse, saved }) {
  const [typed, setTyped] = useState({ name: warehouse.name, rank: String(warehouse.rank), link: warehouse.link, endpoint: warehouse.endpoint ?? "" });
  const { busy, refusal, run } = useAction(async () => {});
  const set = (name) => (event) => setTyped({ ...typed, [name]: event.target.value });
  const save = async () => {
    const { name, rank, link, endpoint } = typed;
    const how = { warehouse_id: id, name: name.trim() || id, rank: Number(rank), link, active: warehouse.active };
    saved(await api.describe(link === "http" ? { ...how, endpoint: endpoint.trim() } : how));
  };
  return html`
    <form onSubmit=${run(save)}>
      <div class="fields">
        <div><label for="name-${id}">${t("catalogue.name")}</label><input id="name-${id}" maxlength="200" value=${typed.name} onInput=${set("name")} /></div>
        <div><label for="rank-${id}">${t("warehouse.order")}</label><input id="rank-${id}" type="number" min="0" max=${MOST_RANK} step="1" required value=${typed.rank} onInput=${set("rank")} /></div>
        <div><label for="link-${id}">${t("warehouse.link")}</label><select id="link-${id}" value=${typed.link} onChange=${set("link")}>${LINKS.map((link) => html`<option key=${link} value=${link}>${t(`link.${link}`)}</option>`)}</select></div>
        ${typed.link === "http" && html`<div><label for="endpoint-${id}">${t("warehouse.endpoint")}</label><input id="endpoint-${id}" type="url" required maxlength="500" value=${typed.endpoint} onInput=${set("endpoint")} /></div>`}
      </div>
      <button class="primary" aria-disabled=${busy}>${t("catalogue.save")}</button>
      <${Problem} refusal=${refusal} />
    </form>
  `;
}

/** A warehouse needs no word before there is stock in it; one that is described here is there before. */
function Adding({ known, saved }) {
  const [id, setId] = useState("");
  const [wanted, setWanted] = useState(null);
  const isKnown = known.some((warehouse) => warehouse.warehouse_id === id.trim());
  useEffect(() => setWanted(null), [known.length]);
  const begin = (event) => {
    event.preventDefault();
    if (!isKnown) setWanted(id.trim());
  };
  return html`
    <details class="card">
      <summary>${t("warehouse.add")}</summary>
      <form class="row" onSubmit=${begin}>
        <label for="new-warehouse">${t("catalogue.id")}</label>
        <input id="new-warehouse" class="mono" required maxlength="64" pattern="[A-Za-z0-9_\\-]+" placeholder="wh-north" aria-describedby="new-warehouse-what" value=${id} onInput=${(event) => setId(event.target.value)} />
        <button aria-disabled=${isKnown}>${t("warehouse.describe")}</button>
      </form>
      <p id="new-warehouse-what" class="quiet">${t(isKnown ? "warehouse.known" : "warehouse.id.what")}</p>
      ${wanted && html`<${Form} key=${wanted} id=${wanted} warehouse=${{ name: wanted, rank: USUAL_RANK, link: "simulated", active: true }} saved=${(warehouse) => (setId(""), saved(warehouse))} />`}
    </details>
  `;
}
