// A product, edited in place. What is saved must be of the version that was read, so that nobody's change is lost.
import { html, useEffect, useState } from "../vendor/preact.js";
import { api } from "../api.js";
import { t } from "../language.js";
import { Problem, Time, useAction } from "../parts.js";

/** The fields of a product; what is left empty is left out. */
export function Fields({ id, of, change }) {
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

/** What the fields have for a product, or for a new one. */
export const typedOf = (product) => ({
  name: product?.name ?? "",
  price: product ? String(product.price) : "",
  names: (product?.names ?? []).join(", "),
  low_stock: product?.low_stock ?? "",
});

/** The product that the fields describe, as the API takes it. */
export const wantedOf = (typed, active) => ({
  name: typed.name,
  price: typed.price.trim(),
  names: typed.names.split(",").map((name) => name.trim()).filter(Boolean),
  low_stock: typed.low_stock === "" ? null : Number(typed.low_stock),
  active,
});

/** The form, with the product as it is when this is opened. It stays as it was typed until somebody wants it anew. */
export function Edit({ id, changed }) {
  const [read, setRead] = useState(null);
  const [typed, setTyped] = useState(null);
  const { busy, refusal, run } = useAction(async () => {});
  const show = (product) => {
    setRead(product);
    setTyped(typedOf(product));
  };
  const load = run(async () => show(await api.product(id)));
  const put = (active) => async () => {
    const written = await api.putProduct(id, wantedOf(typed, active), { "if-match": `"${read.version}"` });
    show(written);
    changed(written);
  };
  useEffect(() => {
    load();
  }, [id]);
  if (!read) return refusal ? html`<${Problem} refusal=${refusal} /><p><button type="button" onClick=${load}>${t("again")}</button></p>` : html`<p class="quiet" role="status">${t("loading")}</p>`;
  return html`
    <form onSubmit=${run(put(read.active))}>
      <div class="fields"><${Fields} id=${`edit-${id}`} of=${typed} change=${setTyped} /></div>
      <div class="row">
        <button class="primary" aria-disabled=${busy}>${t("catalogue.save")}</button>
        <button type="button" aria-disabled=${busy} onClick=${run(put(!read.active))}>${t(read.active ? "catalogue.withdraw" : "catalogue.sell")}</button>
        ${read.changed && html`<span class="quiet">${t("catalogue.changed")} <${Time} at=${read.changed.at} /> ${read.changed.by && (read.changed.by.email ?? read.changed.by.id ?? t(`role.${read.changed.by.role}`))}</span>`}
      </div>
      <${Problem} refusal=${refusal} />
      ${refusal?.status === 412 && html`<p><button type="button" aria-disabled=${busy} onClick=${load}>${t("catalogue.anew")}</button></p>`}
    </form>
  `;
}
