// When each state ran and for how long: a row of bars for each state, or for each warehouse where several take part, on
// one line of time. The payment window and each return, executions of their own, have lanes of their own.
import { html, useState } from "../vendor/preact.js";
import { t, took } from "../language.js";
import { useNow } from "../live.js";
import { partName } from "./part.js";
import { progressOf } from "./progress.js";

/** How far apart two marks of the axis are at least, as a part of its length. */
const MARKS_APART = 0.2;

/** The executions on one line of time; `choose(part, state)` is called for a row that is chosen. */
export function Gantt({ executions, chosen, choose }) {
  const runs = executions.some((execution) => execution.status === "RUNNING");
  const draw = (now) => html`<${Chart} executions=${executions} now=${now} chosen=${chosen} choose=${choose} />`;
  const stops = executions.map((execution) => Date.parse(execution.stopped_at)).filter(Boolean);
  return runs ? html`<${Running} draw=${draw} />` : draw(Math.max(...stops));
}

const Running = ({ draw }) => draw(useNow());

function Chart({ executions, now, chosen, choose }) {
  const [linear, setLinear] = useState(false);
  const lanes = executions.map((execution) => ({ execution, rows: rowsOf(execution, now) })).filter(({ rows }) => rows.length > 0);
  const scale = scaleOf(lanes.flatMap(({ rows }) => rows.flatMap(({ spans }) => spans)), linear);
  if (!scale) return null;
  return html`
    <div class="gantt">
      <div class="row spread">
        <h3>${t("gantt")}</h3>
        <button type="button" class="small" aria-pressed=${linear} title=${t("gantt.linear.what")} onClick=${() => setLinear(!linear)}>${t("gantt.linear")}</button>
      </div>
      <table>
        <thead><tr><th scope="col">${t("gantt.state")}</th><th class="track" scope="col"><span class="unseen">${t("gantt")}</span>${scale.marks.map((mark) => html`<span key=${mark.x} class="mark" style=${{ left: percent(mark.x) }}>${took(mark.after)}</span>`)}</th><th scope="col" class="number">${t("gantt.took")}</th></tr></thead>
        ${lanes.map(
          ({ execution, rows }) => html`
            <tbody key=${execution.part} data-lane=${execution.part}>
              ${lanes.length > 1 && html`<tr><th colspan="3" scope="rowgroup" class="lane">${partName(execution.part)}</th></tr>`}
              ${rows.map((row) => html`<${Row} key=${row.key} row=${row} scale=${scale} pressed=${chosen?.part === execution.part && chosen.name === row.state} choose=${() => choose(execution.part, row.state)} />`)}
            </tbody>
          `,
        )}
      </table>
      <p class="legend quiet">${["work", "wait", "pause", "failed"].map((kind) => html`<span key=${kind}><i class="span ${kind}"></i>${t(`gantt.${kind}`)}</span>`)}</p>
    </div>
  `;
}

const Row = ({ row, scale, pressed, choose }) => html`
  <tr data-row=${row.state} data-warehouse=${row.warehouse}>
    <th scope="row"><button type="button" class="plain" aria-pressed=${pressed} onClick=${choose}>${row.warehouse ? html`<span class="quiet">↳</span> ${row.warehouse}` : row.state}</button></th>
    <td class="track">${row.spans.map((span, index) => html`<i key=${index} class="span ${span.kind}" title="${t(`gantt.${span.kind}`)}: ${took(span.to - span.from)}" style=${{ left: percent(scale.at(span.from)), width: percent(scale.at(span.to) - scale.at(span.from)) }}></i>`)}</td>
    <td class="number">${took(row.took)}${row.retries > 0 && html`<small>${t("state.retried", { n: row.retries })}</small>`}</td>
  </tr>
`;

const percent = (part) => `${(part * 100).toFixed(2)}%`;

/** The rows of an execution: its states in the order in which it came to them, and of a step that several warehouses take, one for each. */
function rowsOf(execution, now) {
  const rows = new Map();
  for (const [state, { visits }] of progressOf(execution).states) {
    for (const visit of visits) {
      const warehouse = visit.input?.warehouse;
      const key = `${state} ${warehouse ?? ""}`;
      const row = rows.get(key) ?? { key, state, warehouse, spans: [], took: 0, retries: 0 };
      const spans = spansOf(visit, Date.parse(visit.exited ?? execution.stopped_at) || now);
      row.spans.push(...spans);
      row.took += spans.reduce((sum, span) => sum + span.to - span.from, 0);
      row.retries += Math.max(0, visit.attempts.length - 1);
      rows.set(key, row);
    }
  }
  return [...rows.values()];
}

/** What a visit did until `end`, in order: it worked, waited for somebody or a moment, failed, or paused before it tried again. */
function spansOf(visit, end) {
  const from = Date.parse(visit.entered);
  const span = (kind, from, to) => ({ kind, from, to: Math.max(from, to) });
  const [first] = visit.attempts;
  if (visit.type === "WaitStateEntered") return [span("wait", from, end)];
  if (!first) return [span(visit.type === "MapStateEntered" ? "around" : "work", from, end)];
  return visit.attempts.flatMap((attempt, index) => {
    const begins = index === 0 ? from : Date.parse(attempt.at);
    const ends = Date.parse(attempt.ended) || end;
    const next = visit.attempts[index + 1];
    const again = next ? Date.parse(next.at) : end;
    const tried = triedIn(attempt, begins, ends).map(([kind, from, to]) => span(kind, from, to));
    return next || (attempt.error && visit.result === "running") ? [...tried, span("pause", ends, again)] : tried;
  });
}

/** The kinds of an attempt with where they begin and end. One that waits for an answer worked until it had asked for it. */
function triedIn(attempt, begins, ends) {
  const asked = Date.parse(attempt.asked);
  if (attempt.error) return [["failed", begins, ends]];
  return asked < ends ? [["work", begins, asked], ["wait", asked, ends]] : [["work", begins, ends]];
}

/**
 * Where a moment lies on the line, from 0 to 1. A payment may be awaited for half an hour, and a shipment takes half a
 * second: unless the line is `linear`, what lies between two moments gets room by the root of its length, so that both
 * can be seen. Null when there is nothing to draw.
 */
function scaleOf(spans, linear) {
  const moments = [...new Set(spans.flatMap(({ from, to }) => [from, to]))].sort((one, other) => one - other);
  if (moments.length < 2) return null;
  const room = (length) => (linear ? length : Math.sqrt(length));
  const places = new Map();
  let sum = 0;
  moments.forEach((moment, index) => places.set(moment, (sum += index === 0 ? 0 : room(moment - moments[index - 1]))));
  const at = (moment) => places.get(moment) / sum;
  const marks = [];
  for (const moment of moments) {
    const mark = { x: at(moment), after: moment - moments[0] };
    if (marks.length === 0 || (mark.x - marks.at(-1).x >= MARKS_APART && mark.x <= 0.9)) marks.push(mark);
  }
  return { at, marks };
}
