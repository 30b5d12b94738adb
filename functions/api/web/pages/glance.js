// Operations at a glance: how orders ended in the last hour, how long they took, and what waits. The local runtime counts
// it; where there is no such route, CloudWatch has the same metrics.
import { html } from "../vendor/preact.js";
import { api } from "../api.js";
import { hour, t, took, whole } from "../language.js";
import { useLive } from "../live.js";

/** The outcomes from the bottom of a bar to its top, each with the tone that its state has elsewhere. */
const OUTCOMES = { completed: "done", cancelled: "undone", rejected: "waiting", needing_attention: "alarm" };
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

const sum = (minutes, of) => minutes.reduce((sum, minute) => sum + (of(minute) ?? 0), 0);

/** A bar for each minute of the last hour. */
function Ended({ minutes }) {
  const totals = Object.keys(OUTCOMES).map((name) => [name, sum(minutes, (minute) => minute.outcomes[name])]);
  const most = Math.max(1, ...minutes.map(({ outcomes }) => Object.values(outcomes).reduce((sum, count) => sum + count, 0)));
  const said = totals.map(([name, count]) => `${t(`glance.${name}`)} ${whole(count)}`).join(", ");
  return html`
    <figure>
      <figcaption>${t("glance.ended")} <span class="quiet">${t("glance.most", { n: whole(most) })}</span></figcaption>
      <svg class="chart" viewBox="0 0 ${minutes.length * (BAR + GAP)} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${t("glance.ended")}: ${said}">
        ${minutes.map((minute, index) => html`<${Bar} key=${minute.at} minute=${minute} x=${index * (BAR + GAP)} most=${most} />`)}
      </svg>
      <p class="row spread quiet axis"><span>${hour(minutes[0].at)}</span><span>${hour(minutes.at(-1).at)}</span></p>
      <p class="legend">${totals.map(([name, count]) => html`<span key=${name} data-outcome=${name}><i class="span ${OUTCOMES[name]}"></i>${t(`glance.${name}`)} <strong>${whole(count)}</strong></span>`)}</p>
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
  return html`<g><title>${hour(minute.at)}</title><rect class="ground" x=${x} y="0" width=${BAR} height=${HEIGHT} />${parts}</g>`;
}

const seconds = (value) => (value === null ? "–" : took(value * 1000));

const Phases = ({ phases }) => html`
  <table>
    <caption>${t("glance.phases")}</caption>
    <thead><tr><th scope="col">${t("glance.phase")}</th><th scope="col" class="number">${t("glance.p50")}</th><th scope="col" class="number">${t("glance.p95")}</th></tr></thead>
    <tbody>
      ${Object.entries(phases).map(([name, phase]) => html`<tr key=${name}><th scope="row">${t(`phase.${name}`)}</th><td class="number">${seconds(phase.p50)}</td><td class="number">${seconds(phase.p95)}</td></tr>`)}
      ${Object.keys(phases).length === 0 && html`<tr><td colspan="3" class="quiet">${t("glance.none")}</td></tr>`}
    </tbody>
  </table>
`;

const Numbers = ({ told }) => html`
  <dl>
    ${Object.entries({ open_executions: told.open_executions, retries: told.retries, stock_conflicts: sum(told.minutes, (minute) => minute.stock_conflicts), waiting_deliveries: told.waiting_deliveries, dead_letters: told.dead_letters }).map(
      ([name, value]) => html`<dt key=${name}>${t(`glance.${name}`)}</dt><dd class="number">${value === null ? "–" : whole(value)}</dd>`,
    )}
  </dl>
`;
