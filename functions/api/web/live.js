// What changes by itself: polling while somebody looks, the time, and telling those who listen.
import { useCallback, useEffect, useRef, useState } from "./vendor/preact.js";
import { language } from "./language.js";

/** How many times the pause between two looks may grow to, where nothing changes. */
const MOST_PATIENT = 5;

/**
 * Loads now and again every `every` milliseconds, while the page is seen and until `settled(data)`. Where nothing
 * changes it looks less and less often; a change, or a `reload`, makes it look as often as before.
 * Another `key` is another thing to load; another language only loads the same thing anew, and what is there stays until
 * then, so that nothing that was typed beside it is lost. Gives the data, the refusal of the last call if it was
 * refused, and `reload` for now.
 */
export function useLive(load, { every, settled = () => false, key = "" }) {
  const tag = language();
  const [state, setState] = useState({ data: null, refusal: null, key });
  const latest = useRef();
  const reload = useRef(() => {});
  latest.current = { load, settled };
  useEffect(() => {
    let timer;
    let gone = false;
    let run = 0;
    let pause = every;
    let before = null;
    const look = async () => {
      clearTimeout(timer);
      const mine = ++run;
      let next = { data: null, refusal: null, key };
      try {
        next.data = await latest.current.load();
      } catch (refusal) {
        next.refusal = refusal;
      }
      // A later call has begun meanwhile: what it says counts.
      if (gone || mine !== run) return;
      setState((state) => ({ ...next, data: next.data ?? (state.key === key ? state.data : null) }));
      const text = JSON.stringify(next.data);
      pause = text === before ? Math.min(pause * 1.5, every * MOST_PATIENT) : every;
      before = text;
      // A page that nobody sees looks again when somebody does.
      if (!document.hidden && (!next.data || !latest.current.settled(next.data))) timer = setTimeout(look, pause);
    };
    const anew = () => {
      pause = every;
      before = null;
      return look();
    };
    const seen = () => (document.hidden ? clearTimeout(timer) : anew());
    reload.current = anew;
    document.addEventListener("visibilitychange", seen);
    look();
    return () => {
      gone = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
    };
  }, [key, tag, every]);
  const now = useCallback(() => reload.current(), []);
  return { data: state.key === key ? state.data : null, refusal: state.refusal, reload: now };
}

/** The time, every second. */
export function useNow() {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
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
