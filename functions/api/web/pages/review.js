// The review queue: the orders that wait for a person's verdict, the longest waiting first. Nothing moves there by
// itself: an order that has got its verdict, or that waits no more for another reason, keeps its place until somebody
// refreshes the list, and new ones come last.
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { api } from "../api.js";
import { duration, t } from "../language.js";
import { announce, useLive, useNow } from "../live.js";
import { methodName } from "../order-actions.js";
import { Past } from "./past.js";
import { Amount, DataProblem, Fresh, Loading, OrderLink, OrderStatus, Problem, Time, isFinal, isUnreadable, useAction, useKeptFocus } from "../parts.js";

const LIMIT = 100;
/** Of how many orders the customer's others are shown at once; of the rest, as soon as somebody turns to them. */
const FIRST = 3;
/** How many pages of the list are read: the orders that wait longest are on the last. */
const PAGES = 5;
/** How long a verdict can be taken back before it is sent, in milliseconds. */
const UNDO_WITHIN = 5_000;
/** How long the offer to take it back is on the screen before it can be used: the second click of a double click must not. */
const READ_FIRST = 600;
/** The verdicts and their signs. */
const VERDICTS = { APPROVE: "✓", REJECT: "✕" };

export function Review() {
  const live = useLive(waitingOrders, { every: 3000 });
  const { cases, close, tidy } = useCases(live.data);
  const now = useNow();
  const waiting = cases.filter((entry) => isOpen(entry) && !isUnreadable(entry.order));
  const refresh = () => {
    tidy();
    live.reload();
  };
  return html`
    <h1>${t("page.review")}</h1>
    <p class="quiet">${t("review.what")}</p>
    ${!live.data && html`<${Loading} live=${live} />`}
    ${live.data &&
    html`
      <div class="row spread">
        <p>${t("review.waiting", { n: waiting.length })}</p>
        <button type="button" onClick=${refresh}>${t("review.refresh")}</button>
      </div>
      <${Fresh} live=${live} />
      <${DataProblem} refusal=${live.refusal} />
      ${cases.length === 0 && html`<p class="card">${t("review.none")}</p>`}
    `}
    <div class="queue">
      ${cases.map((entry, index) => html`<${Case} key=${entry.order.order_id} entry=${entry} first=${index < FIRST} now=${now} close=${close} reload=${live.reload} />`)}
    </div>
    ${live.data?.next && html`<p class="quiet">${t("review.more", { n: LIMIT * PAGES })}</p>`}
  `;
}

/** The orders that wait, newest first as the API lists them, and `next` when there are still more. */
async function waitingOrders() {
  const list = { orders: [], next: null };
  for (let page = 0; page < PAGES && (page === 0 || list.next); page++) {
    const { orders, next } = await api.orders({ state: "AWAITING_AUDIT", limit: LIMIT, next: list.next });
    list.orders.push(...orders);
    list.next = next;
  }
  return list;
}

/**
 * A case: the `order` as the list last had it; `absent`, whether the list has it no more; `closed`, how this page came
 * to know that it is decided (`APPROVE`, `REJECT`, or `TOO_LATE` when somebody else was faster), else null; `until`, when
 * it was no longer open; and `tidied`, whether it is off the screen. A closed case is kept, since a list that was read
 * before the verdict, or from an index that lags behind, may still have its order.
 */
const newCase = (order) => ({ order, absent: false, closed: null, until: null, tidied: false });

/** Whether a verdict is still wanted. */
const isOpen = ({ absent, closed }) => !absent && !closed;

/**
 * The cases on the screen, and what can be done: `close` one with its verdict, and `tidy` up. `page` is what the API
 * last answered; orders that come later than the first answer are announced.
 */
function useCases(page) {
  const [cases, setCases] = useState(null);
  useEffect(() => {
    if (page) setCases((cases) => merged(cases ?? [], page));
  }, [page]);
  const count = cases?.length;
  const before = useRef(count);
  useEffect(() => {
    if (count > before.current) announce(t("review.arrived", { n: count - before.current }));
    before.current = count;
  }, [count]);
  const close = (id, closed) => setCases((cases) => cases.map((entry) => (entry.order.order_id === id ? ended({ ...entry, closed }) : entry)));
  return { cases: (cases ?? []).filter((entry) => !entry.tidied), close, tidy: () => setCases(tidied) };
}

const ended = (entry) => ({ ...entry, until: entry.until ?? Date.now() });

/** The cases with what a page of the list, newest first, says of them. */
function merged(cases, { orders = [], next }) {
  const listed = new Map(orders.map((order) => [order.order_id, order]));
  const oldest = orders.at(-1)?.order_id ?? "";
  const known = new Set(cases.map((entry) => entry.order.order_id));
  const updated = cases.map((entry) => {
    const id = entry.order.order_id;
    if (listed.has(id)) return { ...entry, order: listed.get(id), absent: false, until: entry.closed && entry.until };
    // Ids begin with the time. When there is a next page, this one says nothing of orders that are older than its last.
    return entry.absent || !next || id > oldest ? ended({ ...entry, absent: true }) : entry;
  });
  const fresh = orders.filter((order) => !known.has(order.order_id)).reverse().map(newCase);
  return [...updated, ...fresh];
}

/** What still waits, the longest waiting first. */
function tidied(cases) {
  const kept = cases.filter((entry) => entry.closed || !entry.absent).map((entry) => ({ ...entry, tidied: Boolean(entry.closed) }));
  return kept.sort((one, other) => (one.order.order_id < other.order.order_id ? -1 : 1));
}

const since = (order) => order.timeline?.findLast((change) => change.state === "AWAITING_AUDIT")?.at ?? order.created_at;

function Case({ entry, first, now, close, reload }) {
  const { order } = entry;
  const [turnedTo, setTurnedTo] = useState(first);
  const id = order.order_id;
  return html`
    <article class="card case" data-order=${id} onFocusIn=${() => setTurnedTo(true)}>
      ${isUnreadable(order)
        ? html`<div><h2 id="case-${id}"><${OrderLink} id=${id} number=${order.number} /></h2><p><${OrderStatus} order=${order} /></p><p>${t("unreadable.what")}</p></div>`
        : html`
            <div><h2 id="case-${id}"><${OrderLink} id=${id} number=${order.number} /></h2><${Facts} order=${order} now=${entry.until ?? now} /></div>
            <${Past} order=${order} wanted=${turnedTo} />
            <${Decision} entry=${entry} close=${close} reload=${reload} />
          `}
    </article>
  `;
}

function Facts({ order, now }) {
  const at = since(order);
  return html`
    <dl>
      <dt>${t("customer")}</dt><dd>${order.customer_id ?? "–"}</dd>
      <dt>${t("amount")}</dt><dd><strong><${Amount} of=${order.amount} currency=${order.currency} /></strong></dd>
      <dt>${t("waits")}</dt><dd>${at ? duration(now - new Date(at)) : "–"}</dd>
      <dt>${t("payment")}</dt><dd>${order.payment?.method ? methodName(order.payment.method) : t("payment.later")}</dd>
    </dl>
    <ul class="items">
      ${order.items?.map((item) => html`<li key=${item.product_id}>${item.quantity} × ${item.name} ${item.price !== null && html`<span class="quiet">· <${Amount} of=${item.price} currency=${order.currency} /></span>`}</li>`)}
    </ul>
  `;
}

/**
 * The form, and once it has done its work what came of it. That lies over the form, which keeps its size: the cards below
 * must not move under a pointer that is about to click.
 */
function Decision({ entry, close, reload }) {
  const [note, setNote] = useState("");
  const { busy, lost, refusal, run } = useAction(reload);
  const place = useRef();
  useKeptFocus(place);
  const id = entry.order.order_id;
  const send = (verdict, leaving) =>
    run(async () => {
      const closed = await closedBy(() => api.audit(id, verdict, note.trim(), leaving), verdict);
      close(id, closed);
      announce(`${id}: ${t(`review.${closed}`)}`);
    })();
  const { pending, decide, undo } = useUndo(send, lost);
  const pressed = useRef();
  const press = (verdict) => (event) => {
    if (busy) return;
    pressed.current = event.currentTarget;
    decide(verdict);
  };
  // While a verdict is on its way, its answer will tell more than the list does.
  const open = !pending && (isOpen(entry) || (busy && !entry.closed));
  // A verdict that was taken back, or that failed, can be given again from where it was.
  useEffect(() => {
    if (open && place.current.contains(document.activeElement)) pressed.current?.focus();
  }, [open]);
  return html`
    <div ref=${place} tabindex="-1" class="decision" role="group" aria-labelledby="case-${id}">
      <div class=${open ? "form" : "form over"}>
        <label for="note-${id}">${t("review.note")}</label>
        <textarea id="note-${id}" rows="2" maxlength="1000" value=${note} onInput=${(event) => setNote(event.target.value)}></textarea>
        <div class="actions">
          <button type="button" class="primary" aria-disabled=${busy} onClick=${press("APPROVE")}>${t("approve")}</button>
          <button type="button" class="danger" aria-disabled=${busy} onClick=${press("REJECT")}>${t("reject")}</button>
        </div>
        <div class="told"><${Problem} refusal=${refusal} /></div>
      </div>
      ${pending && html`<${Pending} verdict=${pending} note=${note.trim()} undo=${undo} />`}
      ${!open && !pending && html`<${Outcome} id=${id} closed=${entry.closed} note=${note.trim()} />`}
    </div>
  `;
}

/**
 * A verdict waits for a moment, in which it can be taken back, and for the connection while there is none. Whoever leaves
 * the page meanwhile has given it. `pending` is the verdict that waits; `send(verdict, leaving)` sends it.
 */
function useUndo(send, lost) {
  const [pending, setPending] = useState(null);
  const latest = useRef();
  latest.current = { pending, send };
  useEffect(() => {
    if (!pending || lost) return undefined;
    const timer = setTimeout(() => {
      setPending(null);
      latest.current.send(pending, false);
    }, UNDO_WITHIN);
    return () => clearTimeout(timer);
  }, [pending, lost]);
  useEffect(() => {
    const leave = () => {
      const { pending, send } = latest.current;
      if (!pending) return;
      latest.current.pending = null;
      setPending(null);
      send(pending, true);
    };
    addEventListener("pagehide", leave);
    return () => {
      removeEventListener("pagehide", leave);
      leave();
    };
  }, []);
  return { pending, decide: setPending, undo: () => setPending(null) };
}

/** A verdict that can still be taken back. */
function Pending({ verdict, note, undo }) {
  const [ready, setReady] = useState(false);
  useEffect(() => {
    announce(t(`review.pending.${verdict}`));
    const timer = setTimeout(() => setReady(true), READ_FIRST);
    return () => clearTimeout(timer);
  }, []);
  return html`
    <div class="outcome" data-pending=${verdict}>
      <p><strong>${VERDICTS[verdict]} ${t(`review.pending.${verdict}`)}</strong> <button type="button" disabled=${!ready} onClick=${undo}>${t("undo")}</button></p>
      <div class="fuse" aria-hidden="true"></div>
      ${note && html`<p class="quiet">${t("review.note")}: “${note}”</p>`}
    </div>
  `;
}

/** What a verdict came to: itself, or `TOO_LATE`. */
async function closedBy(send, verdict) {
  try {
    await send();
    return verdict;
  } catch (refusal) {
    if (refusal.status === 409) return "TOO_LATE";
    throw refusal;
  }
}

/** What came of a case, and what its order is now. A note that went nowhere is still there to be copied. */
function Outcome({ id, closed, note }) {
  const kind = closed ?? "ABSENT";
  const label = kind in VERDICTS ? "review.note" : "review.note.unsent";
  return html`
    <div class="outcome" data-outcome=${kind}>
      <p><strong>${VERDICTS[kind]} ${t(`review.${kind}`)}</strong></p>
      <${Standing} id=${id} decided=${kind in VERDICTS} />
      ${note && html`<p class="quiet">${t(label)}: “${note}”</p>`}
    </div>
  `;
}

/** What an order is after the review, looked up until it has left it. */
function Standing({ id, decided }) {
  // An order that was approved is RESERVED until its workflow has heard of it.
  const isBetween = ({ state }) => ["AWAITING_AUDIT", "RESERVED"].includes(state);
  const settled = (order) => !isBetween(order) && order.state !== "COMPENSATING";
  const { data: order, refusal } = useLive(() => api.order(id), { every: 2000, settled, key: id });
  if (!order) return html`<${Problem} refusal=${refusal} />`;
  if (isBetween(order)) return null;
  // The time left to pay would stand still here.
  const status = isFinal(order) ? order.status : order.timeline.at(-1).status;
  return html`
    <p><${OrderStatus} order=${{ state: order.state, status }} /></p>
    ${!decided && order.audit && html`<p>${t(order.audit.approved ? "approved" : "rejected")} · <${Time} at=${order.audit.at} /> ${order.audit.note && `“${order.audit.note}”`}</p>`}
  `;
}
