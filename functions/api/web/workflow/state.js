// What one state took and gave, at each of its visits.
import { html } from "../vendor/preact.js";
import { errorWords, messageIn } from "../failures.js";
import { t, took } from "../language.js";
import { Time } from "../parts.js";
import { Data } from "./data.js";

/** The chosen state; the execution itself when none is chosen. */
export function StateDetails({ execution, name, state }) {
  return html`
    <div class="details" aria-live="polite">
      <h3>${name ?? t("execution")}</h3>
      ${name === null && html`<p class="quiet">${t("state.choose")}</p><${Data} name="input" value=${execution.input} /><${Data} name="output" value=${execution.output} />`}
      ${name && !state && html`<p class="quiet">${t("state.untouched")}</p>`}
      ${state?.visits.map((visit, index) => html`<${Visit} key=${visit.id} visit=${visit} number=${state.visits.length > 1 ? index + 1 : null} />`)}
    </div>
  `;
}

const Visit = ({ visit, number }) => html`
  <div class="visit">
    ${number && html`<h4>${t("visit", { n: number })}</h4>`}
    <p><strong>${t(`state.${visit.result}`)}</strong> · <${Time} at=${visit.entered} />${visit.exited && html` – <${Time} at=${visit.exited} /> · ${took(Date.parse(visit.exited) - Date.parse(visit.entered))}`}</p>
    ${visit.error && html`<${Failure} error=${visit.error} cause=${visit.cause} />`}
    <${Data} name="input" value=${visit.input} />
    ${visit.attempts.map((attempt, index) => html`<${Attempt} key=${index} attempt=${attempt} number=${index + 1} />`)}
    <${Data} name="output" value=${visit.output} />
  </div>
`;

const Attempt = ({ attempt, number }) => html`
  <div class="attempt">
    <p>${t("attempt", { n: number })} · <${Time} at=${attempt.at} /> · <span class="mono">${attempt.resource}</span></p>
    ${attempt.error && html`<${Failure} error=${attempt.error} cause=${attempt.cause} />`}
    <${Data} name="parameters" value=${attempt.input} closed />
    <${Data} name="result" value=${attempt.output} closed />
  </div>
`;

function Failure({ error, cause }) {
  const words = errorWords(error);
  const message = cause && (messageIn(cause) ?? cause);
  return html`<p class="failure"><strong>${words || error}</strong>${words && html` <span class="mono">${error}</span>`}${message && html`<br /><span lang="en">${message}</span>`}</p>`;
}
