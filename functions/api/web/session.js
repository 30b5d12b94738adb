// Who this tab is: its access token, where that comes from, and how it is renewed. All of it is kept in the tab's session
// storage until the tab is closed, and none of it in an address or on the disk.
import { language } from "./language.js";

const TOKEN = "omniflow.token";
/** What renews the token and when it expires; only where somebody signed in at the issuer. */
const SESSION = "omniflow.session";
/** What must be remembered while somebody is at the issuer. */
const PENDING = "omniflow.sign-in";
/** How long before its end a token is renewed, in milliseconds: far more than a call is under way. */
const EARLY = 10_000;
const listeners = new Set();
/** Between the tabs of this browser: one that has no token asks the others, so that none is kept on the disk. */
const tabs = new BroadcastChannel(TOKEN);

/** The access token of this tab. */
export const token = () => sessionStorage.getItem(TOKEN);

const session = () => JSON.parse(sessionStorage.getItem(SESSION) ?? "null");

/** Whether the token of this tab was got by signing in at the issuer, in this tab. */
export const isFromIssuer = () => session() !== null;

/** Keeps a token until the tab is closed, with what renews it; without one, forgets it. */
export function signIn(text, { refresh = null, expires = null } = {}, fromIssuer = false) {
  if (text) sessionStorage.setItem(TOKEN, text);
  else sessionStorage.removeItem(TOKEN);
  if (text && fromIssuer) sessionStorage.setItem(SESSION, JSON.stringify({ refresh, expires }));
  else sessionStorage.removeItem(SESSION);
}

/** Calls `listener` with what happened: the API asks who this is (`wanted`), or another tab has told (`found`). */
export function onSignIn(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const tell = (what) => listeners.forEach((listener) => listener(what));

tabs.onmessage = ({ data }) => {
  if (data === "wanted" && token()) tabs.postMessage({ token: token() });
  if (data.token && !token()) {
    signIn(data.token);
    tell("found");
  }
  // The token that this tab had from another one was renewed there, or given up.
  if (data.before && data.before === token() && !isFromIssuer()) signIn(data.after);
  if (data.gone && data.gone === token()) {
    signIn(null);
    tell("wanted");
  }
};
if (!token()) tabs.postMessage("wanted");

let settings = null;

/** How people sign in: `issuer`, `client_id` and more; nothing of it where tokens are pasted. */
export function signInSettings() {
  const read = async () => {
    const response = await fetch("sign-in.json");
    return response.ok ? response.json() : {};
  };
  settings ??= read().catch((error) => {
    settings = null;
    throw error;
  });
  return settings;
}

const openid = async () => (await import("./sign-in/openid.js")).modules["sign-in/openid.js"];

/** Where the issuer sends people back to: the console's page by its name, without anything that is chosen on it. */
const place = () => new URL("index.html", location.href).href;

/** Goes to the issuer, to come back to what the address names now. */
export async function goAndSignIn() {
  const [known, { begin }] = await Promise.all([signInSettings(), openid()]);
  const { address, pending } = await begin(known, place(), language());
  sessionStorage.setItem(PENDING, JSON.stringify({ ...pending, hash: location.hash }));
  location.assign(address);
}

/**
 * Signs in whoever comes back from the issuer, and goes on where they were. Gives why that failed, or null. What the
 * issuer added to the address is gone from it, and from the history, before anything else happens.
 */
export async function comeBack() {
  const address = location.href;
  if (!new URLSearchParams(location.search).has("state")) return null;
  const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? "null");
  sessionStorage.removeItem(PENDING);
  history.replaceState(null, "", `${location.pathname}${pending?.hash ?? ""}`);
  // The end of a session at the issuer, or an address that somebody kept: there is nothing to go on with.
  if (!pending) return null;
  try {
    const { finish } = await openid();
    const { token: text, ...rest } = await finish(await signInSettings(), address, pending);
    signIn(text, rest, true);
    return null;
  } catch (error) {
    return error.error ?? error.code ?? error.name;
  }
}

let renewing = null;

/** Has the issuer give a new token. Gives whether it did. */
function renew() {
  const before = token();
  const ask = async () => {
    const { refresh } = session() ?? {};
    if (!refresh) return false;
    try {
      const { token: after, ...rest } = await (await openid()).renew(await signInSettings(), refresh);
      // Somebody may have signed out meanwhile.
      if (token() !== before) return Boolean(token());
      signIn(after, rest, true);
      tabs.postMessage({ before, after });
      return true;
    } catch (error) {
      // The issuer refuses it for good; any other failure may pass.
      if (error.error && token() === before) signIn(before, {}, true);
      return false;
    }
  };
  renewing ??= ask().finally(() => (renewing = null));
  return renewing;
}

/** Renews a token that is about to expire. A call that comes too late for it is refused, and tried once more. */
export async function fresh() {
  const { refresh, expires } = session() ?? {};
  if (refresh && expires && expires - Date.now() < EARLY) await renew();
}

/** After a call with the token `carried` was refused: whether there is another one by now, or the issuer gives one. */
export const renewed = async (carried) => Boolean(carried) && (token() !== carried ? Boolean(token()) : renew());

/** Forgets who this tab is, in all tabs that have it from here; at the issuer, too, where the token came from there. */
export async function signOut() {
  const gone = token();
  const before = session();
  signIn(null);
  tabs.postMessage({ gone });
  if (!before) return;
  const address = await (await openid()).leave(await signInSettings(), before.refresh, place());
  if (address) location.assign(address);
}
