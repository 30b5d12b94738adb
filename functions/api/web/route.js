// What the address says: the page, and what is chosen on it. So Back, a refresh and a link lead to the same view.
import { useEffect, useMemo, useState } from "./vendor/preact.js";

function read() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = path.split("/");
  return { name: name || "shop", rest: rest.map(decoded), query: Object.fromEntries(new URLSearchParams(query)) };
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The address of a page with what is chosen on it; what is empty is left out. */
export function address(path, query = {}) {
  const chosen = new URLSearchParams(Object.entries(query).filter(([, value]) => value));
  return `#/${path}${chosen.size > 0 ? `?${chosen}` : ""}`;
}

/** The page that the address names: its `name`, what follows it, and its `query`. */
export function useRoute() {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const changed = () => setHash(location.hash);
    // The address may have changed between the first drawing and this moment, when nobody listened yet.
    changed();
    addEventListener("hashchange", changed);
    addEventListener("popstate", changed);
    return () => {
      removeEventListener("hashchange", changed);
      removeEventListener("popstate", changed);
    };
  }, []);
  return useMemo(read, [hash]);
}

/** Goes to an address; `instead` of the present one where Back shall not lead to that, as while somebody types. */
export function go(to, { instead = false } = {}) {
  history[instead ? "replaceState" : "pushState"](null, "", to);
  dispatchEvent(new PopStateEvent("popstate"));
}
