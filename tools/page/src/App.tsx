import { useEffect, useRef, useState } from "preact/hooks";
import { setToken } from "./api.ts";
import { count } from "./format.ts";
import { EventsView, LeasesView, NodesView, ProfilesView } from "./Lists.tsx";
import { NodePanel } from "./NodePanel.tsx";
import { OrderDialog, type Order } from "./OrderDialog.tsx";
import { RackView } from "./RackView.tsx";
import { go, useRoute, views, type View } from "./route.ts";
import { mark, meaning, states } from "./states.ts";
import { StormView } from "./StormView.tsx";
import { useStore } from "./store.ts";

const titles: Record<View, string> = {
  racks: "Racks",
  storm: "Storm",
  nodes: "Nodes",
  leases: "Leases",
  profiles: "Profiles",
  events: "Events",
};

const keys: [string, string][] = [
  ["1 … 6", "racks, storm, nodes, leases, profiles, events"],
  ["/", "search: name, address, link address, profile, tag, message"],
  ["n  p", "next, previous failed machine"],
  ["arrows, Enter", "move among machines, open one"],
  ["Esc", "close the panel; then clear the filter"],
  ["i  b  g", "install, boot local, ignore the open machine (asks first)"],
  ["t", "dark, light, as the system has it"],
  ["?", "this list"],
];

type Theme = "system" | "dark" | "light";

function useTheme(): [Theme, () => void, string] {
  const [theme, set] = useState<Theme>((localStorage.getItem("theme") as Theme | null) ?? "system");
  const [dark, setDark] = useState(matchMedia("(prefers-color-scheme: dark)").matches);
  useEffect(() => {
    const query = matchMedia("(prefers-color-scheme: dark)");
    const changed = () => setDark(query.matches);
    query.addEventListener("change", changed);
    return () => query.removeEventListener("change", changed);
  }, []);
  // Before the children draw: their canvases read its colours.
  document.documentElement.dataset["theme"] = theme === "system" ? (dark ? "dark" : "light") : theme;
  const next: Record<Theme, Theme> = { system: "dark", dark: "light", light: "system" };
  return [
    theme,
    () => {
      localStorage.setItem("theme", next[theme]);
      set(next[theme]);
    },
    `${theme}${dark}`,
  ];
}

export function App() {
  const store = useStore();
  const route = useRoute();
  const [theme, nextTheme, look] = useTheme();
  const [order, setOrder] = useState<Order | null>(null);
  const [help, setHelp] = useState(false);
  const [said, say] = useState("");
  const search = useRef<HTMLInputElement>(null);
  const { filter } = store;
  const filtered = filter.states.size > 0 || filter.tag !== "" || filter.profile !== "" || filter.text !== "";
  const clear = () => store.setFilter({ states: new Set(), tag: "", profile: "", text: "" });
  const closePanel = () => go({ view: route.view, node: "" });

  useEffect(() => {
    if (said === "") return;
    const timer = setTimeout(() => say(""), 6000);
    return () => clearTimeout(timer);
  }, [said]);
  useEffect(() => {
    document.title = store.counts.failed > 0 ? `(${store.counts.failed} failed) muster` : "muster";
  }, [store.counts.failed]);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]") !== null) return;
      if (event.key === "Escape") {
        if (target === search.current) target.blur();
        if (route.node !== "") closePanel();
        else clear();
        return;
      }
      if (["INPUT", "SELECT", "TEXTAREA"].includes(target.tagName)) return;
      const view = views[Number(event.key) - 1];
      const failed = store.shown.filter((n) => n.state === "failed");
      if (view !== undefined) go({ view, node: route.node });
      else if (event.key === "/") search.current?.focus();
      else if (event.key === "t") nextTheme();
      else if (event.key === "?") setHelp(true);
      else if ((event.key === "n" || event.key === "p") && failed.length > 0) {
        const at = failed.findIndex((n) => n.name === route.node);
        const to = event.key === "n" ? at + 1 : at < 0 ? failed.length - 1 : at - 1;
        go({ view: route.view, node: failed[(to + failed.length) % failed.length]!.name });
      } else if (route.node !== "" && event.key === "i") setOrder({ verb: "install", names: [route.node] });
      else if (route.node !== "" && event.key === "b") setOrder({ verb: "boot-local", names: [route.node] });
      else if (route.node !== "" && event.key === "g") setOrder({ verb: "ignore", names: [route.node] });
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  });

  const total = store.sorted.length;
  return (
    <>
      <header class="top">
        <a class="brand" href="#/racks">
          muster
        </a>
        <nav aria-label="Views">
          {views.map((view, i) => (
            <a
              key={view}
              href={`#/${view}`}
              title={`key ${i + 1}`}
              aria-current={route.view === view ? "page" : undefined}
            >
              {titles[view]}
            </a>
          ))}
        </nav>
        <span class={`connection ${store.connection}`} role="status" title={store.trouble}>
          {store.connection === "live"
            ? "● live"
            : store.connection === "broken"
              ? `○ ${store.trouble || "no connection"}, trying again`
              : store.connection === "token"
                ? "○ a token is wanted"
                : "○ connecting"}
        </span>
        <button class="quiet" onClick={nextTheme} title="key t" aria-label={`Colours: ${theme}`}>
          {theme === "dark" ? "☾" : theme === "light" ? "☀" : "◐"}
        </button>
        <button class="quiet" onClick={() => setHelp(true)} aria-label="Keys" title="key ?">
          ?
        </button>
      </header>
      <div class="filters" role="search">
        <div class="chips" role="group" aria-label="Filter by state">
          {states.map((state) => {
            const on = filter.states.has(state);
            return (
              <button
                key={state}
                class={`chip ${state}${store.counts[state] === 0 ? " none" : ""}`}
                aria-pressed={on}
                title={meaning[state]}
                onClick={() => {
                  const next = new Set(filter.states);
                  if (!next.delete(state)) next.add(state);
                  store.setFilter({ states: next });
                }}
              >
                <i aria-hidden="true">{mark[state]}</i>
                <span>{state}</span>
                <b>{count(store.counts[state])}</b>
              </button>
            );
          })}
        </div>
        <div class="picks">
          <input
            ref={search}
            type="search"
            placeholder="Search  /"
            aria-label="Search"
            value={filter.text}
            onInput={(e) => store.setFilter({ text: e.currentTarget.value })}
          />
          {store.tags.length > 0 && (
            <select aria-label="Tag" value={filter.tag} onChange={(e) => store.setFilter({ tag: e.currentTarget.value })}>
              <option value="">any tag</option>
              {store.tags.map((tag) => (
                <option key={tag} value={tag}>
                  {tag}
                </option>
              ))}
            </select>
          )}
          {store.profiles.length > 0 && (
            <select
              aria-label="Profile"
              value={filter.profile}
              onChange={(e) => store.setFilter({ profile: e.currentTarget.value })}
            >
              <option value="">any profile</option>
              {store.profiles.map((profile) => (
                <option key={profile} value={profile}>
                  {profile}
                </option>
              ))}
            </select>
          )}
          {filter.tag !== "" && (
            <button class="danger" onClick={() => setOrder({ verb: "install", names: [], tag: filter.tag })}>
              Install tag…
            </button>
          )}
          {filtered && (
            <button onClick={clear} title="Esc">
              ✕ {count(store.shown.length)} of {count(total)}
            </button>
          )}
        </div>
      </div>
      <Share />
      <div class={`main${route.node === "" ? "" : " with-panel"}`}>
        <main>
          {route.view === "racks" && <RackView route={route} theme={look} />}
          {route.view === "storm" && <StormView theme={look} />}
          {route.view === "nodes" && <NodesView selected={route.node} />}
          {route.view === "leases" && <LeasesView />}
          {route.view === "profiles" && <ProfilesView />}
          {route.view === "events" && <EventsView />}
        </main>
        {route.node !== "" && <NodePanel name={route.node} close={closePanel} order={setOrder} />}
      </div>
      <div class="said" role="status" aria-live="polite">
        {said}
      </div>
      {order !== null && (
        <OrderDialog
          key={`${order.verb}${order.names.join()}${order.tag ?? ""}`}
          order={order}
          close={(done) => {
            setOrder(null);
            say(done);
          }}
        />
      )}
      {help && <Help close={() => setHelp(false)} />}
      {store.connection === "token" && <TokenDialog />}
    </>
  );
}

/// All machines as one line, by state.
function Share() {
  const store = useStore();
  const total = store.sorted.length;
  return (
    <div class="share" aria-hidden="true">
      {total > 0 &&
        (["installed", "installing", "loading", "booting", "failed", "ready", "new", "ignored"] as const).map((state) => (
          <i key={state} class={state} style={{ width: `${(store.counts[state] / total) * 100}%` }} />
        ))}
    </div>
  );
}

function Help({ close }: { close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="help" onCancel={close} onClick={close} aria-label="Keys">
      <h2>Keys</h2>
      <dl>
        {keys.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <h2>States</h2>
      <dl>
        {states.map((state) => (
          <div key={state}>
            <dt>
              <span class={`state ${state}`}>
                <i>{mark[state]}</i> {state}
              </span>
            </dt>
            <dd>{meaning[state]}</dd>
          </div>
        ))}
      </dl>
      <footer>
        <button onClick={close}>Close</button>
      </footer>
    </dialog>
  );
}

function TokenDialog() {
  const store = useStore();
  const dialog = useRef<HTMLDialogElement>(null);
  const [token, set] = useState("");
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="order" onCancel={(e) => e.preventDefault()} aria-label="Token">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          setToken(token.trim());
          store.connection = "connecting";
          store.tokenGiven();
          store.touch();
        }}
      >
        <h2>A token is wanted</h2>
        <p class="soft">The text of the file that musterd was started with as --admin-token-file. It is kept in this tab alone.</p>
        <input
          type="password"
          aria-label="Token"
          autoComplete="off"
          value={token}
          onInput={(e) => set(e.currentTarget.value)}
        />
        <footer>
          <button type="submit" class="solid" disabled={token.trim() === ""}>
            Go on
          </button>
        </footer>
      </form>
    </dialog>
  );
}
