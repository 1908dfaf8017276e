// Where one is, in the part of the URL behind the #, so that it can be sent to a colleague.
import { useEffect, useState } from "preact/hooks";

export const views = ["racks", "storm", "nodes", "leases", "profiles", "events"] as const;
export type View = (typeof views)[number];

export interface Route {
  view: View;
  node: string; ///< the one whose panel is open; "": none
}

function read(): Route {
  const [view = "", node = ""] = location.hash.replace(/^#\/?/, "").split("/");
  const known = views.find((v) => v === view);
  let name = "";
  try {
    name = decodeURIComponent(node);
  } catch {
    // Half an escape: nobody's name.
  }
  return { view: known ?? "racks", node: name };
}

export function go(route: Route): void {
  const hash = route.node === "" ? `#/${route.view}` : `#/${route.view}/${encodeURIComponent(route.node)}`;
  if (location.hash !== hash) location.hash = hash;
}

export function useRoute(): Route {
  const [route, set] = useState(read);
  useEffect(() => {
    const changed = () => set(read());
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return route;
}
