// The install states, in the order of an install, with a mark for each that tells without colour.
export const states = ["new", "ready", "booting", "loading", "installing", "installed", "failed", "ignored"] as const;
export type State = (typeof states)[number];

export const running: ReadonlySet<State> = new Set<State>(["booting", "loading", "installing"]);

export const mark: Record<State, string> = {
  new: "?",
  ready: "–",
  booting: "›",
  loading: "↓",
  installing: "»",
  installed: "✓",
  failed: "✕",
  ignored: "/",
};

export const meaning: Record<State, string> = {
  new: "seen, no profile",
  ready: "its next network boot installs",
  booting: "offer made, loader asked for",
  loading: "kernel and initrd",
  installing: "the installer runs",
  installed: "boots its own disk",
  failed: "no attempt left",
  ignored: "somebody else's",
};
