// What the server says of itself: the local runtime tells at once that something has changed. Where it doesn't, as on
// AWS, or when it is out of reach, the pages ask from time to time all the same.
import { token } from "./session.js";
import { isPaused, onAgain } from "./connection.js";

/** How long it is waited after a stream that ended in order, and after one that failed, in milliseconds. */
const [NEXT, AFTER_FAILURE] = [200, 5_000];
/** The answers after which it makes no sense to ask again: there is no such route, or this caller may not. */
const LASTING = [401, 403, 404];

const listeners = new Set();
let stream = null;
let ended = false;
let timer;

/** Calls `listener` when something has changed. Gives the function that ends this. */
export function onChange(listener) {
  listeners.add(listener);
  connect();
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) disconnect();
  };
}

function disconnect() {
  clearTimeout(timer);
  stream?.abort();
  stream = null;
}

/** Listens, while somebody sees the page. Browsers have few connections for a server: pages that nobody sees leave them to others. */
async function connect() {
  if (stream || ended || document.hidden || listeners.size === 0) return;
  const mine = (stream = new AbortController());
  let pause = AFTER_FAILURE;
  try {
    const headers = token() ? { authorization: `Bearer ${token()}` } : {};
    const response = await fetch("../_omniflow/changes", { headers, signal: mine.signal });
    if (response.ok) {
      await read(response.body.getReader());
      pause = NEXT;
    }
    ended = LASTING.includes(response.status);
  } catch {
    // That there is no connection is found out, and told, by whoever loads something.
  }
  if (stream !== mine) return;
  stream = null;
  timer = setTimeout(connect, pause);
}

async function read(reader) {
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = (rest + decoder.decode(value, { stream: true })).split("\n\n");
    rest = events.pop();
    if (events.some((event) => event.startsWith("event: changed")) && !isPaused()) listeners.forEach((listener) => listener());
  }
}

document.addEventListener("visibilitychange", () => (document.hidden ? disconnect() : connect()));
// After a sign-in it may be another answer.
onAgain(() => {
  ended = false;
  connect();
});
