// Operations at a glance: how orders ended in the last hour, how long they took, and what waits, as the local runtime or
// CloudWatch has counted it. What is null is not known, and shows as a gap.
import { html } from "../vendor/preact.js";
import { api } from "../api.js";
import { hour, t, took, whole } from "../language.js";
import { useLive } from "../live.js";

/** The outcomes from the bottom of a bar to its top, each with the tone that its state has elsewhere. */
const OUTCOMES = { completed: "done", cancelled: "undone", rejected: "waiting", needing_attention: "alarm" };
/** The phases in the order in which an order comes to them. */
const PHASES = ["reserve", "pay", "complete"];
const [HEIGHT, BAR, GAP] = [110, 8, 2];

export function Glance() {
  const live = useLive(api.metrics, { every: 30_000, most: 60_000 });
  const isElsewhere = live.refusal?.status === 404;
  return html`
    <section class="card glance" aria-labelledby="glance">
      <h2 id="glance">${t("glance")}</h2>
      ${isElsewhere && html`<p class="quiet">${t("glance.deployed")}</p>`}
      ${!live.data && !isElsewhere && html`<p class="quiet" role="status">${t(live.refusal ? "waiting" : "loading")}</p>`}
      ${live.data && html`<div class="measures"><${Ended} minutes=${live.data.minutes} /><${Phases} phases=${live.data.phases} /><${Numbers} told=${live.data} /></div>`}
    </section>
  `;
}

/** The sum of what is known; null when nothing is. */
function sum(minutes, of) {
  const known = minutes.map(of).filter((count) => count !== null);
  return known.length > 0 ? known.reduce((sum, count) => sum + count, 0) : null;
}

/** Whether some of what a minute had is not known. */
const isGap = ({ outcomes }) => Object.keys(OUTCOMES).some((name) => outcomes[name] === null);

const number = (value) => (value === null ? "–" : whole(value));

/** A bar for each minute of the last hour. */
function Ended({ minutes }) {
  const totals = Object.keys(OUTCOMES).map((name) => [name, sum(minutes, (minute) => minute.outcomes[name])]);
  const most = Math.max(1, ...minutes.map(({ outcomes }) => Object.values(outcomes).reduce((sum, count) => sum + count, 0)));
  const said = totals.map(([name, count]) => `${t(`glance.${name}`)} ${number(count)}`).join(", ");
  return html`
    <figure>
      <figcaption>${t("glance.ended")} <span class="quiet">${t("glance.most", { n: whole(most) })}</span></figcaption>
      <svg class="chart" viewBox="0 0 ${minutes.length * (BAR + GAP)} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${t("glance.ended")}: ${said}">
        ${minutes.map((minute, index) => html`<${Bar} key=${minute.at} minute=${minute} x=${index * (BAR + GAP)} most=${most} />`)}
      </svg>
      <p class="row spread quiet axis"><span>${hour(minutes[0].at)}</span><span>${hour(minutes.at(-1).at)}</span></p>
      <p class="legend">${totals.map(([name, count]) => html`<span key=${name} data-outcome=${name}><i class="span ${OUTCOMES[name]}"></i>${t(`glance.${name}`)} <strong>${number(count)}</strong></span>`)}</p>
      ${minutes.some(isGap) && html`<p class="quiet">${t("glance.gaps")}</p>`}
    </figure>
  `;
}

function Bar({ minute, x, most }) {
  let below = 0;
  const parts = Object.entries(OUTCOMES).map(([name, tone]) => {
    const height = ((minute.outcomes[name] ?? 0) / most) * HEIGHT;
    below += height;
    return height > 0 && html`<rect key=${name} class=${tone} x=${x} y=${HEIGHT - below} width=${BAR} height=${height} />`;
  });
  return html`<g><title>${hour(minute.at)}</title><rect class=${isGap(minute) ? "gap" : "ground"} x=${x} y="0" width=${BAR} height=${HEIGHT} />${parts}</g>`;
}

const seconds = (value) => (value === null ? "–" : took(value * 1000));

/** The phases that orders came to, and those of which that is not known. */
const reached = (phases) => PHASES.map((name) => [name, phases[name]]).filter(([, phase]) => phase?.count !== 0);

const Phases = ({ phases }) => html`
  <table>
    <caption>${t("glance.phases")}</caption>
    <thead><tr><th scope="col">${t("glance.phase")}</th><th scope="col" class="number">${t("glance.p50")}</th><th scope="col" class="number">${t("glance.p95")}</th></tr></thead>
    <tbody>
      ${reached(phases).map(([name, phase]) => html`<tr key=${name}><th scope="row">${t(`phase.${name}`)}</th><td class="number">${seconds(phase?.p50 ?? null)}</td><td class="number">${seconds(phase?.p95 ?? null)}</td></tr>`)}
      ${reached(phases).length === 0 && html`<tr><td colspan="3" class="quiet">${t("glance.none")}</td></tr>`}
    </tbody>
  </table>
`;

const Numbers = ({ told }) => html`
  <dl>
    ${Object.entries({ open_executions: told.open_executions, retries: told.retries, stock_conflicts: sum(told.minutes, (minute) => minute.stock_conflicts), waiting_deliveries: told.waiting_deliveries, dead_letters: told.dead_letters }).map(
      ([name, value]) => html`<dt key=${name}>${t(`glance.${name}`)}</dt><dd class="number">${number(value)}</dd>`,
    )}
  </dl>
`;
