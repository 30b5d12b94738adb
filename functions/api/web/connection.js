// Whether what is on the screen is still true: which parts of the page could not be loaded lately, whether updates are
// paused, and when somebody was last seen at the page.
import { useEffect, useState } from "./vendor/preact.js";

/** The parts that could not be loaded: `refusal` is why, and `at` when they were last loaded, in milliseconds. */
const troubled = new Map();
const observers = new Set();
const wanted = new Set();
let paused = false;

const tell = () => observers.forEach((observer) => observer());

/** Notes that a part (any object that stands for it) could not be loaded. */
export function failed(part, refusal, at) {
  troubled.set(part, { refusal, at });
  tell();
}

/** Notes that a part is loaded, or is there no more. When others could not be loaded, they are tried again at once. */
export function loaded(part) {
  if (!troubled.delete(part)) return;
  if (troubled.size > 0) again();
  tell();
}

/** Calls `load` whenever everything is to be loaded anew. Gives the function that ends this. */
export function onAgain(load) {
  wanted.add(load);
  return () => wanted.delete(load);
}

/** Has everything loaded anew, such as after a sign-in. */
export function again() {
  wanted.forEach((load) => load());
}

/** Whether there is no connection. What is done then would only fail. */
const isLost = () => [...troubled.values()].some(({ refusal }) => refusal.status === 0);

/** Whether the page loads nothing by itself, because somebody wants to look at it in peace. */
export const isPaused = () => paused;

/** Stops the updates, or lets them go on. */
export function pause(wish) {
  paused = wish;
  tell();
  if (!paused) again();
}

function useObserved(read) {
  const [, setCount] = useState(0);
  useEffect(() => {
    const observer = () => setCount((count) => count + 1);
    observers.add(observer);
    return () => observers.delete(observer);
  }, []);
  return read();
}

/** What is wrong, while something is: `lost`, whether it is the connection, and `at`, since when something is not renewed; null when nothing was there before. */
export const useTrouble = () =>
  useObserved(() => {
    const moments = [...troubled.values()].map(({ at }) => at).filter(Boolean);
    return troubled.size > 0 && { lost: isLost(), at: moments.length > 0 ? Math.min(...moments) : null };
  });

/** Whether there is no connection. */
export const useLost = () => useObserved(isLost);

/** Whether the updates are paused. */
export const usePaused = () => useObserved(isPaused);

addEventListener("online", again);
