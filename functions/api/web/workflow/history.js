// All events of an execution, as Step Functions numbers them.
import { html } from "../vendor/preact.js";
import { errorWords } from "../failures.js";
import { precise, t } from "../language.js";

export const History = ({ events }) => html`
  <details class="history">
    <summary>${t("history", { n: events.length })}</summary>
    <div class="scroll" role="group" aria-label=${t("history", { n: events.length })} tabindex="0">
      <table>
        <thead>
          <tr><th scope="col" class="number">#</th><th scope="col">${t("event.time")}</th><th scope="col">${t("event.type")}</th><th scope="col">${t("event.what")}</th><th scope="col">${t("event.data")}</th></tr>
        </thead>
        <tbody>
          ${events.map(
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

const what = (event) => [event.state, event.index !== undefined && `#${event.index}`, event.resource, event.error && (errorWords(event.error) || event.error)].filter(Boolean).join(" ");

function payload(event) {
  const data = event.input ?? event.output;
  return event.cause ?? (data === undefined ? "" : JSON.stringify(data));
}
