// All events of an execution, as Step Functions numbers them: those of one state, those that failed, or those with a text.
import { html, useState } from "../vendor/preact.js";
import { errorWords } from "../failures.js";
import { precise, t } from "../language.js";

export function History({ events }) {
  const [text, setText] = useState("");
  const [state, setState] = useState("");
  const [failures, setFailures] = useState(false);
  const wanted = text.trim().toLowerCase();
  const of = ownersOf(events);
  const shown = events.filter(
    (event) =>
      (!state || of.get(event.id) === state) &&
      (!failures || event.error) &&
      (!wanted || [event.id, event.type, what(event), payload(event)].join(" ").toLowerCase().includes(wanted)),
  );
  const states = [...new Set(of.values())].filter(Boolean);
  return html`
    <details class="history">
      <summary>${t("history", { n: events.length })}</summary>
      <div class="row">
        <label class="unseen" for="history-search">${t("history.search")}</label>
        <input id="history-search" type="search" placeholder=${t("history.search")} value=${text} onInput=${(event) => setText(event.target.value)} />
        <label class="unseen" for="history-state">${t("gantt.state")}</label>
        <select id="history-state" value=${state} onChange=${(event) => setState(event.target.value)}>
          <option value="">${t("history.all")}</option>
          ${states.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}
        </select>
        <button type="button" aria-pressed=${failures} onClick=${() => setFailures(!failures)}>${t("history.failures")}</button>
        <span class="quiet" role="status">${t("history.shown", { n: shown.length, all: events.length })}</span>
      </div>
      <div class="scroll" role="group" aria-label=${t("history", { n: events.length })} tabindex="0">
        <table>
          <thead>
            <tr><th scope="col" class="number">#</th><th scope="col">${t("event.time")}</th><th scope="col">${t("event.type")}</th><th scope="col">${t("event.what")}</th><th scope="col">${t("event.data")}</th></tr>
          </thead>
          <tbody>
            ${shown.map(
              (event) => html`
                <tr key=${event.id} class=${event.error ? "failure" : null}>
                  <td class="number">${event.id}</td>
                  <td>${event.at && html`<time datetime=${event.at}>${precise(event.at)}</time>`}</td>
                  <td>${event.type}</td>
                  <td>${what(event)}</td>
                  <td class="payload mono">${payload(event)}</td>
                </tr>
              `,
            )}
          </tbody>
        </table>
      </div>
    </details>
  `;
}

/** The state that each event belongs to, by the event's number: the one that it names, or that of the event which led to it. */
function ownersOf(events) {
  const owners = new Map();
  for (const event of events) owners.set(event.id, event.state ?? owners.get(event.previous_id));
  return owners;
}

const what = (event) => [event.state, event.index !== undefined && `#${event.index}`, event.resource, event.error && (errorWords(event.error) || event.error)].filter(Boolean).join(" ");

function payload(event) {
  const data = event.input ?? event.output;
  return event.cause ?? (data === undefined ? "" : JSON.stringify(data));
}
