// A JSON document that can be folded away.
import { html } from "../vendor/preact.js";
import { t } from "../language.js";

export const Data = ({ name, value, closed }) =>
  value !== undefined &&
  html`
    <details open=${!closed}>
      <summary>${t(`data.${name}`)}</summary>
      <pre tabindex="0">${JSON.stringify(value, null, 2)}</pre>
    </details>
  `;
