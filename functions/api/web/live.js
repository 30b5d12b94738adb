// What changes by itself: polling while somebody looks, the time, and telling those who listen.
import { useCallback, useEffect, useRef, useState } from "./vendor/preact.js";
import { serverNow } from "./api.js";
import { onChange } from "./changes.js";
import { failed, isPaused, loaded, onAgain } from "./connection.js";
import { language } from "./language.js";

/** How much longer each pause is than the one before, while nothing changes. */
const SLOWER = 1.7;
/** The longest pause while calls fail, in milliseconds. */
const RETRY_WITHIN = 8_000;
/** What somebody does who looks at the page. */
const SIGNS = ["pointermove", "pointerdown", "keydown", "wheel"];

/** Refusals that the same call would meet again, until somebody does something about it. */
const isLasting = (refusal) => refusal.status >= 400 && refusal.status < 500 && refusal.status !== 408 && refusal.status !== 429;

/** What of an answer tells whether something has changed. The status counts the seconds down; the state doesn't. */
const gist = (data) => JSON.stringify(data, (name, value) => (name === "status" ? undefined : value));

/**
 * Loads now, and again after `every` milliseconds while things change or somebody is at the page. While nothing happens
 * the pauses grow up to `most`; each call is paid for. Nothing is loaded when `settled(data)`, in a tab that is not seen
 * (but each `unseen` milliseconds, where that is given), while updates are paused, or after a refusal that would only be
 * repeated. `wake(data)` may give a moment, in milliseconds, at which a change is to be expected.
 *
 * Another `key` is another thing to load; another language only loads the same thing anew, and what is there stays until
 * then, so that nothing that was typed beside it is lost. Where the server tells of changes, it is loaded then. Gives the data, the refusal of the last call if it was
 * refused, `at`, when the data came, and `reload` for now.
 */
export function useLive(load, { every, most = 20_000, unseen = Infinity, settled = () => false, wake = () => null, key = "" }) {
  const tag = language();
  const [state, setState] = useState({ data: null, refusal: null, at: null, key });
  const latest = useRef();
  const reload = useRef(() => {});
  latest.current = { load, settled, wake };
  useEffect(() => {
    const part = {};
    let timer;
    let gone = false;
    let run = 0;
    let ended = false;
    let [quiet, failures, began, at, before] = [0, 0, 0, null, null];
    const pauseAfter = (data) => {
      if (!data) return Math.min(RETRY_WITHIN, 1000 * SLOWER ** failures++);
      const pause = Math.min(most, every * SLOWER ** quiet);
      const expected = latest.current.wake(data);
      const left = expected ? expected - serverNow() + 300 : Infinity;
      return left > 0 ? Math.min(pause, left) : Math.min(pause, every * 2);
    };
    const plan = (pause) => {
      clearTimeout(timer);
      const waits = () => isPaused() || (document.hidden && Date.now() - began < unseen);
      timer = setTimeout(() => (waits() ? plan(every) : look()), pause);
    };
    const look = async () => {
      clearTimeout(timer);
      const mine = ++run;
      began = Date.now();
      let [data, refusal] = [null, null];
      try {
        data = await latest.current.load();
      } catch (error) {
        refusal = error;
      }
      // A later call has begun meanwhile: what it says counts.
      if (gone || mine !== run) return;
      if (data) {
        const now = gist(data);
        quiet = now === before ? quiet + 1 : 0;
        [before, failures, at] = [now, 0, Date.now()];
      }
      ended = data ? latest.current.settled(data) : isLasting(refusal);
      setState((state) => ({ data: data ?? (state.key === key ? state.data : null), refusal, at, key }));
      if (data || ended) loaded(part);
      else failed(part, refusal, at);
      if (!ended) plan(pauseAfter(data));
    };
    const now = () => {
      quiet = 0;
      return look();
    };
    const seen = () => !document.hidden && !isPaused() && now();
    let sign = 0;
    const noticed = () => {
      // A pointer tells of itself many times a second.
      if (ended || isPaused() || Date.now() - sign < 1000) return;
      sign = Date.now();
      if (sign - began >= every) now();
      else quiet = 0;
    };
    // What was loaded a moment ago is loaded again a moment later: many changes may come at once.
    const changed = () => {
      const left = every - (Date.now() - began);
      if (ended) return;
      quiet = 0;
      if (left <= 0) look();
      else plan(left);
    };
    reload.current = now;
    const forget = onAgain(now);
    const unheard = onChange(changed);
    document.addEventListener("visibilitychange", seen);
    SIGNS.forEach((name) => addEventListener(name, noticed, { passive: true }));
    look();
    return () => {
      gone = true;
      clearTimeout(timer);
      loaded(part);
      forget();
      unheard();
      document.removeEventListener("visibilitychange", seen);
      SIGNS.forEach((name) => removeEventListener(name, noticed));
    };
  }, [key, tag, every, most]);
  const now = useCallback(() => reload.current(), []);
  return { data: state.key === key ? state.data : null, refusal: state.refusal, at: state.at, reload: now };
}

/** The time of the server, every second. */
export function useNow() {
  const [now, setNow] = useState(serverNow());
  useEffect(() => {
    const timer = setInterval(() => setNow(serverNow()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

/** Says a text to those who listen to the page. */
export function announce(text) {
  document.getElementById("announcements").textContent = text;
}

/** Announces a text whenever it becomes another one. */
export function useAnnounced(text, when) {
  const before = useRef(when);
  useEffect(() => {
    if (before.current && when && before.current !== when) announce(text);
    before.current = when;
  }, [when]);
}
