// The catalogue, for those who run the shop: products are added and changed in place, and their stock is moved.
import { html, useEffect, useState } from "../vendor/preact.js";
import { api } from "../api.js";
import { language, t, whole } from "../language.js";
import { announce, useLive } from "../live.js";
import { Amount, DataProblem, Loading, Problem, Time, useAction } from "../parts.js";

const KINDS = ["receive", "adjust", "count", "transfer"];
const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16)).join("-");
const isSame = (one, other) => one.product_id === other.product_id;

export function Catalogue() {
  const [search, setSearch] = useState("");
  const [next, setNext] = useState("");
  const [open, setOpen] = useState(null);
  const live = useLive(() => api.products({ search, next }), { every: 30_000, most: 120_000, key: `${search} ${next}` });
  const products = (live.data?.products ?? []).toSorted((one, other) => one.name.localeCompare(other.name, language()));
  const changed = (product) => {
    announce(t("catalogue.saved", { name: product.name }));
    live.reload();
  };
  return html`
    <h1>${t("page.catalogue")}</h1>
    <${NewProduct} changed=${changed} />
    <section class="card" aria-labelledby="catalogue">
      <div class="row spread">
        <h2 id="catalogue">${t("catalogue.products")}</h2>
        <div class="row">
          <label class="unseen" for="find">${t("catalogue.search")}</label>
          <input id="find" type="search" placeholder=${t("catalogue.search")} value=${search} onInput=${(event) => (setNext(""), setSearch(event.target.value))} />
        </div>
      </div>
      ${!live.data && html`<${Loading} live=${live} />`}
      ${live.data && products.length === 0 && html`<p class="quiet">${t("catalogue.none")}</p>`}
      ${products.map((product) => html`<${Product} key=${product.product_id} product=${product} isOpen=${open === product.product_id} toggle=${() => setOpen(open === product.product_id ? null : product.product_id)} changed=${changed} />`)}
      <${DataProblem} refusal=${live.data && live.refusal} />
      <div class="row">
        ${next && html`<button type="button" onClick=${() => setNext("")}>${t("newer")}</button>`}
        ${live.data?.next && html`<button type="button" onClick=${() => setNext(live.data.next)}>${t("older")}</button>`}
      </div>
    </section>
  `;
}

/** The fields of a product; what is left empty is left out. */
function Fields({ id, of, change }) {
  const field = (name, label, type = "text", more = {}) => html`
    <div>
      <label for="${id}-${name}">${t(label)}</label>
      <input id="${id}-${name}" type=${type} value=${of[name]} onInput=${(event) => change({ ...of, [name]: event.target.value })} ...${more} />
    </div>
  `;
  return html`
    ${field("name", "catalogue.name", "text", { required: true, maxlength: 200 })}
    ${field("price", "price", "text", { required: true, inputmode: "decimal" })}
    ${field("names", "catalogue.names")}
    ${field("low_stock", "catalogue.low", "number", { min: 0, step: 1 })}
  `;
}

const typedOf = (product) => ({
  name: product?.name ?? "",
  price: product ? String(product.price) : "",
  names: (product?.names ?? []).join(", "),
  low_stock: product?.low_stock ?? "",
});

const wantedOf = (typed, active) => ({
  name: typed.name,
  price: typed.price.trim(),
  names: typed.names.split(",").map((name) => name.trim()).filter(Boolean),
  low_stock: typed.low_stock === "" ? null : Number(typed.low_stock),
  active,
});

function NewProduct({ changed }) {
  const [id, setId] = useState("");
  const [typed, setTyped] = useState(typedOf(null));
  const { busy, refusal, run } = useAction(async () => {});
  const add = async () => {
    changed(await api.putProduct(id.trim(), wantedOf(typed, true), { "if-none-match": "*" }));
    setId("");
    setTyped(typedOf(null));
  };
  return html`
    <details class="card">
      <summary>${t("catalogue.add")}</summary>
      <form onSubmit=${run(add)}>
        <div class="fields">
          <div>
            <label for="new-id">${t("catalogue.id")}</label>
            <input id="new-id" required maxlength="100" value=${id} onInput=${(event) => setId(event.target.value)} />
          </div>
          <${Fields} id="new" of=${typed} change=${setTyped} />
        </div>
        <button class="primary" aria-disabled=${busy}>${t("catalogue.add")}</button>
        <${Problem} refusal=${refusal} />
      </form>
    </details>
  `;
}

function Product({ product, isOpen, toggle, changed }) {
  const id = `product-${product.product_id}`;
  return html`
    <article class="card" aria-labelledby=${id}>
      <div class="row spread">
        <h3 id=${id}>${product.name} <small class="mono">${product.product_id}</small></h3>
        <p class="row">
          ${!product.active && html`<span class="quiet">${t("catalogue.withdrawn")}</span>`}
          <strong><${Amount} of=${product.price} currency=${product.currency} /></strong>
          <button type="button" aria-expanded=${isOpen} aria-controls="${id}-open" onClick=${toggle}>${t(isOpen ? "catalogue.close" : "catalogue.open")}<span class="unseen"> ${product.name}</span></button>
        </p>
      </div>
      <div id="${id}-open" hidden=${!isOpen}>
        ${isOpen && html`<${Edit} product=${product} changed=${changed} /><${Shelves} product=${product} />`}
      </div>
    </article>
  `;
}

function Edit({ product, changed }) {
  const [read, setRead] = useState(product);
  const [typed, setTyped] = useState(typedOf(product));
  const { busy, refusal, run } = useAction(async () => {});
  const put = (active) => async () => {
    const written = await api.putProduct(product.product_id, wantedOf(typed, active), { "if-match": `"${read.version}"` });
    setRead(written);
    changed(written);
  };
  useEffect(() => {
    if (!isSame(read, product)) setRead(product);
  }, [product]);
  return html`
    <form onSubmit=${run(put(read.active))}>
      <div class="fields"><${Fields} id=${`edit-${product.product_id}`} of=${typed} change=${setTyped} /></div>
      <div class="row">
        <button class="primary" aria-disabled=${busy}>${t("catalogue.save")}</button>
        <button type="button" aria-disabled=${busy} onClick=${run(put(!read.active))}>${t(read.active ? "catalogue.withdraw" : "catalogue.sell")}</button>
      </div>
      <${Problem} refusal=${refusal} />
    </form>
  `;
}

/** What each warehouse has of a product, its latest movements, and the form of a new one. */
function Shelves({ product }) {
  const stock = useLive(() => api.productStock(product.product_id), { every: 10_000, most: 60_000, key: product.product_id });
  const rows = stock.data?.warehouses ?? [];
  const [warehouse, setWarehouse] = useState("");
  const shown = warehouse || rows[0]?.warehouse || "";
  const moved = useLive(() => (shown ? api.movements(product.product_id, shown) : Promise.resolve({ movements: [] })), { every: 30_000, most: 120_000, key: `${product.product_id}/${shown}` });
  const done = () => {
    stock.reload();
    moved.reload();
  };
  return html`
    <h4>${t("stock")}${stock.data?.low && html` <strong class="failure">${t("catalogue.is-low")}</strong>`}</h4>
    <p>${rows.length === 0 ? t("catalogue.no-stock") : rows.map((row) => `${row.warehouse}: ${whole(row.available)}${row.reserved > 0 ? ` (+${whole(row.reserved)} ${t("stock.reserved")})` : ""}`).join(" · ")}</p>
    <${Move} product=${product} warehouses=${rows.map((row) => row.warehouse)} warehouse=${shown} choose=${setWarehouse} done=${done} />
    ${(moved.data?.movements ?? []).length > 0 && html`
      <ul>
        ${moved.data.movements.slice(0, 10).map((one) => html`
          <li key=${one.movement_id}><${Time} at=${one.at} /> ${t(`movement.${one.kind}`)} ${one.change > 0 ? "+" : ""}${whole(one.change)} → ${whole(one.available)}: ${one.reason}${one.reference ? ` (${one.reference})` : ""} <span class="quiet">${one.by.email ?? one.by.id ?? t(`role.${one.by.role}`)}</span></li>
        `)}
      </ul>
    `}
  `;
}

function Move({ product, warehouses, warehouse, choose, done }) {
  const id = `move-${product.product_id}`;
  const [typed, setTyped] = useState({ kind: "receive", quantity: "", reason: "", to: "" });
  // The same key until there is an answer: who submits again after a lost one moves once.
  const [key, setKey] = useState(newKey());
  const { busy, refusal, run } = useAction(async () => {});
  const set = (name) => (event) => setTyped({ ...typed, [name]: event.target.value });
  const move = async () => {
    const wanted = { kind: typed.kind, quantity: Number(typed.quantity), reason: typed.reason };
    if (typed.kind === "transfer") wanted.to = typed.to;
    try {
      const made = await api.move(product.product_id, warehouse, wanted, key);
      announce(t("catalogue.moved", { available: whole(made.available), warehouse: made.warehouse }));
      setTyped({ ...typed, quantity: "", reason: "" });
    } catch (error) {
      if (!(error.status >= 400 && error.status < 500)) throw error;
      setKey(newKey());
      throw error;
    }
    setKey(newKey());
    done();
  };
  return html`
    <form onSubmit=${run(move)}>
      <div class="fields">
        <div><label for="${id}-warehouse">${t("warehouse")}</label><input id="${id}-warehouse" list="${id}-known" required value=${warehouse} onInput=${(event) => choose(event.target.value)} /><datalist id="${id}-known">${warehouses.map((name) => html`<option key=${name} value=${name} />`)}</datalist></div>
        <div><label for="${id}-kind">${t("catalogue.kind")}</label><select id="${id}-kind" value=${typed.kind} onChange=${set("kind")}>${KINDS.map((kind) => html`<option key=${kind} value=${kind}>${t(`movement.${kind}`)}</option>`)}</select></div>
        <div><label for="${id}-quantity">${t("quantity")}</label><input id="${id}-quantity" type="number" step="1" required value=${typed.quantity} onInput=${set("quantity")} /></div>
        <div><label for="${id}-reason">${t("catalogue.reason")}</label><input id="${id}-reason" required maxlength="200" value=${typed.reason} onInput=${set("reason")} /></div>
        ${typed.kind === "transfer" && html`<div><label for="${id}-to">${t("catalogue.to")}</label><input id="${id}-to" list="${id}-known" required value=${typed.to} onInput=${set("to")} /></div>`}
      </div>
      <button aria-disabled=${busy}>${t("catalogue.move")}</button>
      <${Problem} refusal=${refusal} />
    </form>
  `;
}
