// Nodes, leases, profiles and events as tables. Of a long one only the rows in view are drawn.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { all } from "./api.ts";
import { age, clock, count, duration } from "./format.ts";
import { go } from "./route.ts";
import { mark, running, type State } from "./states.ts";
import { store as theStore, useNow, useStore, type MachineNode } from "./store.ts";

interface Column<T> {
  name: string;
  width: string;
  cell: (row: T) => ComponentChildren;
  sort?: (a: T, b: T) => number;
  number?: boolean;
}

const rowHeight = 28;

interface TableProps<T> {
  label: string;
  rows: T[];
  columns: Column<T>[];
  keyOf: (row: T) => string;
  open?: (row: T) => void;
  selected?: string;
  empty: string;
  fromEnd?: boolean; ///< the newest row, the last one, is on top
}

export function Table<T>({ label, rows, columns, keyOf, open, selected, empty, fromEnd }: TableProps<T>) {
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  const [sort, setSort] = useState<{ by: number; down: boolean } | null>(null);
  const [cursor, setCursor] = useState(-1);
  useEffect(() => {
    const watch = new ResizeObserver(() => setHeight(box.current?.clientHeight ?? 600));
    watch.observe(box.current!);
    return () => watch.disconnect();
  }, []);
  let sorted = rows;
  const by = sort === null ? undefined : columns[sort.by]?.sort;
  if (by !== undefined) {
    sorted = [...rows].sort(by);
    if (sort!.down) sorted.reverse();
  } else if (fromEnd === true) sorted = [...rows].reverse();
  const first = Math.max(0, Math.floor(top / rowHeight) - 8);
  const last = Math.min(sorted.length, Math.ceil((top + height) / rowHeight) + 8);
  const template = columns.map((c) => c.width).join(" ");
  const onKey = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor(height / rowHeight) - 2);
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page };
    let next = cursor;
    if (event.key in steps) next = Math.min(sorted.length - 1, Math.max(0, cursor + steps[event.key]!));
    else if (event.key === "Home") next = 0;
    else if (event.key === "End") next = sorted.length - 1;
    else if (event.key === "Enter" && sorted[cursor] !== undefined) open?.(sorted[cursor]!);
    else return;
    event.preventDefault();
    setCursor(next);
    const element = box.current!;
    const y = next * rowHeight;
    if (y < element.scrollTop) element.scrollTop = y;
    else if (y + 2 * rowHeight > element.scrollTop + element.clientHeight)
      element.scrollTop = y + 2 * rowHeight - element.clientHeight;
  };
  return (
    <div
      class="list"
      role="table"
      aria-label={label}
      aria-rowcount={sorted.length}
      tabIndex={0}
      ref={box}
      onScroll={(e) => setTop(e.currentTarget.scrollTop)}
      onKeyDown={onKey}
    >
      <div class="row head" role="row" style={{ gridTemplateColumns: template }}>
        {columns.map((column, i) => (
          <span
            key={column.name}
            role="columnheader"
            class={column.number === true ? "n" : ""}
            aria-sort={sort?.by === i ? (sort.down ? "descending" : "ascending") : undefined}
          >
            {column.sort === undefined ? (
              column.name
            ) : (
              <button onClick={() => setSort(sort?.by === i ? (sort.down ? null : { by: i, down: true }) : { by: i, down: false })}>
                {column.name}
                {sort?.by === i ? (sort.down ? " ↓" : " ↑") : ""}
              </button>
            )}
          </span>
        ))}
      </div>
      <div style={{ height: `${first * rowHeight}px` }} />
      {sorted.slice(first, last).map((row, i) => (
        <div
          key={keyOf(row)}
          role="row"
          aria-rowindex={first + i + 1}
          class={`row${open === undefined ? "" : " link"}${keyOf(row) === selected ? " selected" : ""}${first + i === cursor ? " cursor" : ""}`}
          style={{ gridTemplateColumns: template }}
          onClick={() => {
            setCursor(first + i);
            open?.(row);
          }}
        >
          {columns.map((column) => (
            <span key={column.name} role="cell" class={column.number === true ? "n" : ""}>
              {column.cell(row)}
            </span>
          ))}
        </div>
      ))}
      <div style={{ height: `${Math.max(0, sorted.length - last) * rowHeight}px` }} />
      {sorted.length === 0 && <p class="empty">{empty}</p>}
    </div>
  );
}

export function StateText({ state }: { state: State }) {
  return (
    <span class={`state ${state}`}>
      <i aria-hidden="true">{mark[state]}</i> {state}
    </span>
  );
}

export function Bar({ node }: { node: MachineNode }) {
  if (!running.has(node.state)) return null;
  return (
    <span class="progress">
      <span class={`bar ${node.state}`} role="progressbar" aria-valuenow={node.stage_percent} aria-label={node.name}>
        <i style={{ width: `${node.stage_percent}%` }} />
      </span>
      <span class="n">{node.stage_percent} %</span>
    </span>
  );
}

const text = new Intl.Collator("en", { numeric: true }).compare;

export function NodesView({ selected }: { selected: string }) {
  const store = useStore();
  const now = useNow();
  return (
    <Table<MachineNode>
      label="Nodes"
      rows={store.shown}
      keyOf={(n) => n.name}
      selected={selected}
      open={(n) => go({ view: "nodes", node: n.name })}
      empty={store.loaded ? "No machine matches the filter." : "…"}
      columns={[
        { name: "node", width: "minmax(90px, 1.2fr)", cell: (n) => <b>{n.name}</b>, sort: (a, b) => text(a.name, b.name) },
        { name: "state", width: "104px", cell: (n) => <StateText state={n.state} />, sort: (a, b) => text(a.state, b.state) },
        { name: "progress", width: "150px", cell: (n) => <Bar node={n} />, sort: (a, b) => a.stage_percent - b.stage_percent },
        { name: "for", width: "90px", number: true, cell: (n) => age(n.since_ms, now), sort: (a, b) => b.since_ms - a.since_ms },
        { name: "profile", width: "minmax(70px, .8fr)", cell: (n) => n.profile, sort: (a, b) => text(a.profile, b.profile) },
        { name: "address", width: "118px", cell: (n) => n.address, sort: (a, b) => text(a.address, b.address) },
        { name: "mac", width: "140px", cell: (n) => <code>{n.mac}</code> },
        { name: "try", width: "40px", number: true, cell: (n) => n.attempt || "" },
        { name: "message", width: "minmax(120px, 2.4fr)", cell: (n) => <span class="soft">{n.message}</span> },
      ]}
    />
  );
}

interface Lease {
  address: string;
  mac: string;
  state: string;
  expires: number;
  hostname: string;
  node: string;
}

/// A list that is asked for once, and again on demand.
function useList<T>(path: string, key: string): { rows: T[]; trouble: string; again: () => void; loading: boolean } {
  const [rows, setRows] = useState<T[]>([]);
  const [trouble, setTrouble] = useState("");
  const [loading, setLoading] = useState(true);
  const [turn, again] = useState(0);
  useEffect(() => {
    let live = true;
    setLoading(true);
    const got: T[] = [];
    all<T>(path, key, (page) => got.push(...page))
      .then(() => live && setRows(got))
      .catch((error: unknown) => live && setTrouble(String(error)))
      .finally(() => live && setLoading(false));
    return () => {
      live = false;
    };
  }, [path, key, turn]);
  return { rows, trouble, again: () => again(turn + 1), loading };
}

export function LeasesView() {
  const store = useStore();
  const now = useNow();
  const { rows, trouble, again, loading } = useList<Lease>("leases?limit=2000", "leases");
  const words = store.filter.text.toLowerCase();
  const shown = rows.filter((l) => words === "" || `${l.address} ${l.mac} ${l.hostname} ${l.node} ${l.state}`.toLowerCase().includes(words));
  return (
    <section class="fill" aria-label="Leases">
      <div class="toolbar">
        <span class="grow soft">
          {count(shown.length)} lease{shown.length === 1 ? "" : "s"}
          {trouble !== "" && <span class="bad"> {trouble}</span>}
        </span>
        <button onClick={again} disabled={loading}>
          Ask again
        </button>
      </div>
      <Table<Lease>
        label="Leases"
        rows={shown}
        keyOf={(l) => l.address}
        empty={loading ? "…" : "No lease."}
        columns={[
          { name: "address", width: "minmax(130px, 1fr)", cell: (l) => <b>{l.address}</b>, sort: (a, b) => text(a.address, b.address) },
          { name: "state", width: "90px", cell: (l) => l.state, sort: (a, b) => text(a.state, b.state) },
          { name: "mac", width: "150px", cell: (l) => <code>{l.mac}</code>, sort: (a, b) => text(a.mac, b.mac) },
          {
            name: "node",
            width: "minmax(90px, 1fr)",
            cell: (l) => (l.node === "" ? "" : <a href={`#/leases/${encodeURIComponent(l.node)}`}>{l.node}</a>),
            sort: (a, b) => text(a.node, b.node),
          },
          { name: "host name", width: "minmax(90px, 1fr)", cell: (l) => l.hostname, sort: (a, b) => text(a.hostname, b.hostname) },
          {
            name: "ends in",
            width: "120px",
            number: true,
            cell: (l) => (l.state !== "bound" ? "" : l.expires < now ? "ended" : duration(l.expires - now)),
            sort: (a, b) => a.expires - b.expires,
          },
        ]}
      />
    </section>
  );
}

interface Profile {
  name: string;
  kernel: string;
  initrd: string[];
  cmdline: string;
  answers: Record<string, string>;
  loader: string;
  variables: Record<string, string>;
  deadlines: { booting: number; installing: number };
  retries: number;
  missing: string[];
}

export function ProfilesView() {
  const store = useStore();
  const { rows, trouble, loading } = useList<Profile>("profiles", "profiles");
  const used = new Map<string, MachineNode[]>();
  for (const node of store.sorted) used.set(node.profile, [...(used.get(node.profile) ?? []), node]);
  return (
    <section class="profiles" aria-label="Profiles">
      {trouble !== "" && <p class="bad">{trouble}</p>}
      {!loading && rows.length === 0 && <p class="empty">The site has no profiles.</p>}
      {rows.map((p) => {
        const nodes = used.get(p.name) ?? [];
        return (
          <article key={p.name} class="card">
            <header>
              <h2>{p.name}</h2>
              <button
                onClick={() => {
                  theStore.setFilter({ profile: p.name, states: new Set(), tag: "", text: "" });
                  go({ view: "racks", node: "" });
                }}
              >
                {count(nodes.length)} node{nodes.length === 1 ? "" : "s"}
              </button>
            </header>
            {p.missing.length > 0 && (
              <p class="bad">
                ✕ not below files/: {p.missing.join(", ")}
              </p>
            )}
            <dl>
              <dt>kernel</dt>
              <dd>
                <code>{p.kernel}</code>
              </dd>
              <dt>initrd</dt>
              <dd>
                <code>{p.initrd.join(" ")}</code>
              </dd>
              <dt>command line</dt>
              <dd>
                <code>{p.cmdline}</code>
              </dd>
              <dt>answers</dt>
              <dd>
                {Object.entries(p.answers).map(([name, file]) => (
                  <div key={name}>
                    <code>{name}</code> <span class="soft">from {file}</span>
                  </div>
                ))}
              </dd>
              <dt>loader</dt>
              <dd>{p.loader}</dd>
              <dt>deadlines</dt>
              <dd>
                booting {duration(p.deadlines.booting * 1000)}, installing {duration(p.deadlines.installing * 1000)},{" "}
                {p.retries} {p.retries === 1 ? "try" : "tries"}
              </dd>
              {Object.keys(p.variables).length > 0 && <dt>variables</dt>}
              {Object.keys(p.variables).length > 0 && (
                <dd>
                  {Object.entries(p.variables).map(([name, value]) => (
                    <div key={name}>
                      <code>
                        {name} = {value}
                      </code>
                    </div>
                  ))}
                </dd>
              )}
            </dl>
          </article>
        );
      })}
    </section>
  );
}

const eventMark: Record<string, string> = {
  "attempt-failed": "✕",
  "state-changed": "→",
  order: "▸",
  "token-refused": "!",
  "content-missing": "!",
  "render-failed": "!",
  "store-failed": "✕",
  "limit-reached": "!",
  "address-in-use": "!",
};

export function EventsView() {
  const store = useStore();
  const [kind, setKind] = useState("");
  const words = store.filter.text.toLowerCase();
  const kinds = [...new Set(store.events.map((e) => e.event))].sort();
  const shown = store.events.filter(
    (e) => (kind === "" || e.event === kind) && (words === "" || `${e.node} ${e.message}`.toLowerCase().includes(words)),
  );
  return (
    <section class="fill" aria-label="Events">
      <div class="toolbar">
        <label>
          Kind{" "}
          <select value={kind} onChange={(e) => setKind(e.currentTarget.value)}>
            <option value="">all</option>
            {kinds.map((k) => (
              <option key={k} value={k}>
                {k}
              </option>
            ))}
          </select>
        </label>
        <span class="grow soft">{count(shown.length)} events, the newest first</span>
      </div>
      <Table
        label="Events"
        rows={shown}
        fromEnd
        keyOf={(e) => String(e.id)}
        open={(e) => e.node !== "" && go({ view: "events", node: e.node })}
        empty="No event."
        columns={[
          { name: "time", width: "150px", cell: (e) => clock(e.time) },
          {
            name: "event",
            width: "150px",
            cell: (e) => (
              <span class={`event ${e.event}`}>
                <i aria-hidden="true">{eventMark[e.event] ?? "·"}</i> {e.event}
              </span>
            ),
          },
          { name: "node", width: "minmax(80px, .8fr)", cell: (e) => <b>{e.node}</b> },
          { name: "message", width: "minmax(160px, 4fr)", cell: (e) => <span title={e.message}>{e.message}</span> },
        ]}
      />
    </section>
  );
}

