// The outbox of the local runtime: what customers would have been sent, and what could not be delivered.
import { html } from "../vendor/preact.js";
import { api } from "../api.js";
import { failureOf } from "../failures.js";
import { t } from "../language.js";
import { useLive } from "../live.js";
import { Fresh, Loading, OrderLink, Time } from "../parts.js";

export function Outbox() {
  const live = useLive(api.outbox, { every: 5000, most: 30_000 });
  return html`
    <h1>${t("page.outbox")}</h1>
    ${live.refusal?.status === 404 ? html`<p class="card">${t("outbox.deployed")}</p>` : html`<${Contents} live=${live} />`}
  `;
}

function Contents({ live }) {
  if (!live.data) return html`<${Loading} live=${live} />`;
  const { messages, waiting = [], dead_letters: dead = [] } = live.data;
  return html`
    <p class="quiet">${t("outbox.what")}</p>
    <${Fresh} live=${live} />
    <section aria-labelledby="messages">
      <h2 id="messages">${t("outbox.messages")}</h2>
      ${messages.length === 0 && html`<p class="quiet">${t("outbox.none")}</p>`}
      ${messages.map((message) => html`<${Message} key=${message.message_id} message=${message} />`)}
    </section>
    <section aria-labelledby="undelivered">
      <h2 id="undelivered">${t("outbox.undelivered")}</h2>
      ${waiting.length + dead.length === 0 && html`<p class="quiet">${t("outbox.undelivered.none")}</p>`}
      ${waiting.map((letter, index) => html`<${Letter} key=${index} letter=${letter} said=${html`${t("outbox.again", { n: letter.attempts })} ${letter.due && html`<${Time} at=${letter.due} />`}`} />`)}
      ${dead.map((letter, index) => html`<${Letter} key=${index} letter=${letter} said=${t("outbox.dead")} />`)}
    </section>
  `;
}

const Message = ({ message }) => html`
  <article class="card">
    <h3>${message.subject}</h3>
    <p class="quiet"><${Time} at=${message.at} /> · ${message.to.join(", ")}</p>
    <p class="text">${message.text}</p>
  </article>
`;

function Letter({ letter, said }) {
  const id = letter.event?.detail?.order_id;
  return html`
    <article class="card">
      <h3>${letter.function}</h3>
      <p>${said} ${id && html`· <${OrderLink} id=${id} number=${letter.event.detail.number} />`}</p>
      ${letter.failure && html`<p class="failure">${failureOf(letter.failure).words}</p>`}
    </article>
  `;
}
