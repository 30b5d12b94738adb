// The address that the goods shall go to: nobody has to give one, but half an address is none.
import { html } from "../vendor/preact.js";
import { language, t } from "../language.js";

/** The fields, each with what a browser may fill in (HTML, "Autofill") and how long it may be. */
const FIELDS = {
  name: { autocomplete: "name", maxlength: 100 },
  line1: { autocomplete: "address-line1", maxlength: 100 },
  line2: { autocomplete: "address-line2", maxlength: 100 },
  postcode: { autocomplete: "postal-code", maxlength: 100 },
  city: { autocomplete: "address-level2", maxlength: 100 },
  country: { autocomplete: "country", maxlength: 2 },
};
const NEEDED = ["name", "line1", "city", "country"];

/** An address in which nothing was typed. */
export const NO_ADDRESS = Object.fromEntries(Object.keys(FIELDS).map((name) => [name, ""]));

const isEmpty = (typed) => Object.values(typed).every((text) => !text.trim());

/** The field that is missing, or null. */
export function missingIn(typed) {
  if (isEmpty(typed)) return null;
  return NEEDED.find((name) => !typed[name].trim()) ?? (countryOf(typed.country) ? null : "country");
}

/** The address as the API takes it; null when none is given. */
export function addressOf(typed) {
  if (isEmpty(typed)) return null;
  const text = Object.fromEntries(Object.entries(typed).map(([name, text]) => [name, text.trim()]));
  return { name: text.name, lines: [text.line1, text.line2].filter(Boolean), postcode: text.postcode || null, city: text.city, country: text.country.toUpperCase() };
}

/** What a country is called, by its code (ISO 3166-1 alpha-2); null for what is none. */
function countryOf(code) {
  const wanted = code.trim().toUpperCase();
  if (!/^[A-Z]{2}$/.test(wanted)) return null;
  return new Intl.DisplayNames(language(), { type: "region", fallback: "none" }).of(wanted) ?? null;
}

/** The id of a field. */
export const fieldOf = (name) => `address-${name}`;

export const AddressFields = ({ typed, change, missing }) => html`
  <details class="address">
    <summary>${t("address.give")}</summary>
    <div class="fields">
      ${Object.entries(FIELDS).map(
        ([name, more]) => html`
          <div key=${name}>
            <label for=${fieldOf(name)}>${t(`address.${name}`)}</label>
            <input id=${fieldOf(name)} value=${typed[name]} aria-invalid=${missing === name} aria-describedby=${missing === name ? "address-missing" : null} onInput=${(event) => change({ ...typed, [name]: event.target.value })} ...${more} />
            ${name === "country" && html`<small>${countryOf(typed.country) ?? t("address.country.what")}</small>`}
          </div>
        `,
      )}
    </div>
    ${missing && html`<p id="address-missing" class="problem" role="alert">${t("address.missing", { field: t(`address.${missing}`) })}</p>`}
  </details>
`;
