// What is done to several orders at once: a call for each, one after the other, and each that failed is named.
import { html, useRef, useState } from "../vendor/preact.js";
import { api } from "../api.js";
import { t } from "../language.js";
import { announce } from "../live.js";
import { useLost } from "../connection.js";
import { Confirmation } from "../order-actions.js";
import { OrderLink, isCancellable, textOf } from "../parts.js";

const inReview = (order) => order.state === "AWAITING_AUDIT";
/** What can be done, to which orders, by which call, and whether it is asked about first, since it can't be undone. */
const ACTIONS = {
  approve: { fits: inReview, call: (id) => api.audit(id, "APPROVE", "") },
  reject: { fits: inReview, call: (id) => api.audit(id, "REJECT", ""), asks: true },
  cancel: { fits: isCancellable, call: (id) => api.cancel(id), asks: true },
  retry: { fits: (order) => order.state === "NEEDS_ATTENTION", call: (id) => api.retry(id) },
};

/** The bar for the orders that are selected. `done(ids)` is called with those that need not be selected any more. */
export function Bulk({ orders, done, reload }) {
  const [asked, setAsked] = useState(null);
  const [run, setRun] = useState(null);
  const stopped = useRef(false);
  const lost = useLost();
  const isRunning = run?.left > 0;
  const fitting = (name) => orders.filter(ACTIONS[name].fits);
  const perform = async (name) => {
    const wanted = fitting(name).map((order) => order.order_id);
    const failures = [];
    const succeeded = [];
    stopped.current = false;
    const tell = (left) => setRun({ name, all: wanted.length, left, failures: [...failures] });
    tell(wanted.length);
    for (const [index, id] of wanted.entries()) {
      try {
        await ACTIONS[name].call(id);
        succeeded.push(id);
      } catch (refusal) {
        failures.push({ id, refusal });
        // Without a connection, the others would only fail, too.
        if (refusal.status === 0) stopped.current = true;
      }
      if (stopped.current) break;
      tell(wanted.length - index - 1);
    }
    tell(0);
    setRun((run) => ({ ...run, succeeded: succeeded.length }));
    announce(t("bulk.done", { done: succeeded.length, failed: failures.length }));
    done(succeeded);
    await reload();
  };
  const press = (name) => () => {
    if (isRunning || lost) return;
    if (ACTIONS[name].asks) setAsked(name);
    else perform(name);
  };
  if (orders.length === 0 && !run) return null;
  return html`
    <div class="bulk" role="group" aria-label=${t("bulk")}>
      <div class="row">
        <strong>${t("bulk.selected", { n: orders.length })}</strong>
        ${Object.keys(ACTIONS).map((name) => {
          const { length } = fitting(name);
          return length > 0 && html`<button key=${name} type="button" class=${ACTIONS[name].asks ? "danger" : ""} data-bulk=${name} aria-disabled=${isRunning || lost} onClick=${press(name)}>${t(`bulk.${name}`)} (${length})</button>`;
        })}
        ${orders.length > 0 && !isRunning && html`<button type="button" onClick=${() => done(orders.map((order) => order.order_id))}>${t("bulk.none")}</button>`}
      </div>
      ${isRunning &&
      html`<p class="row"><progress max=${run.all} value=${run.all - run.left} aria-label=${t(`bulk.${run.name}`)}></progress> ${t("bulk.progress", { n: run.all - run.left, all: run.all })} <button type="button" class="small" onClick=${() => (stopped.current = true)}>${t("bulk.stop")}</button></p>`}
      ${run && !isRunning &&
      html`
        <p class="row" role="status">${t(`bulk.${run.name}`)}: ${t("bulk.done", { done: run.succeeded ?? 0, failed: run.failures.length })} <button type="button" class="small" onClick=${() => setRun(null)}>${t("bulk.close")}</button></p>
        ${run.failures.length > 0 && html`<ul class="plain problem">${run.failures.map(({ id, refusal }) => html`<li key=${id}><${OrderLink} id=${id} />: ${textOf(refusal)}</li>`)}</ul>`}
      `}
      ${asked &&
      html`
        <${Confirmation} id="bulk" title=${t(`bulk.ask.${asked}`, { n: fitting(asked).length })} yes=${t("bulk.yes")} no=${t("bulk.no")} confirmed=${() => perform(asked)} closed=${() => setAsked(null)}>
          <p>${t("cancel.what")}</p>
        <//>
      `}
    </div>
  `;
}
