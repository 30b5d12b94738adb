// What changes by itself: polling while somebody looks, the time, and telling those who listen.
import { useCallback, useEffect, useRef, useState } from "./vendor/preact.js";
import { language } from "./language.js";

/**
 * Loads now and again every `every` milliseconds, while the page is seen and until `settled(data)`.
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
      if (!next.data || !latest.current.settled(next.data)) timer = setTimeout(look, document.hidden ? every * 10 : every);
    };
    const seen = () => !document.hidden && look();
    reload.current = look;
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
