// What the page knows, kept up to date by the server's events, and what of it is looked at.
import { useEffect, useState } from "preact/hooks";
import { all, ApiError, call, listen, type StreamEvent } from "./api.ts";
import { states, type State } from "./states.ts";

export interface MachineNode {
  name: string;
  revision: number;
  mac: string;
  address: string;
  profile: string;
  state: State;
  attempt: number;
  since_ms: number;
  stage_percent: number;
  bytes_served: number;
  expected_bytes: number;
  message: string;
  tags: string[];
}

export interface LogEvent {
  id: number;
  time: number;
  event: string;
  node: string;
  message: string;
}

export interface Tick {
  time: number;
  states: Record<State, number>;
  loading: number;
  waiting: number;
  slots: number;
  bytes_per_second: number;
}

export interface Filter {
  states: ReadonlySet<State>;
  tag: string;
  profile: string;
  text: string;
}

export type Connection = "connecting" | "live" | "broken" | "token";

/// One row of the storm's history: time in ms, a count for each state, loading now, waiting, bytes/s.
export type HistoryRow = number[];

const eventsMax = 2_000;
const rowsMax = 4_000;
const order = new Intl.Collator("en", { numeric: true }).compare;

class Store {
  nodes = new Map<string, MachineNode>();
  sorted: MachineNode[] = [];
  shown: MachineNode[] = [];
  counts: Record<State, number> = Object.fromEntries(states.map((s) => [s, 0])) as Record<State, number>;
  tags: string[] = [];
  profiles: string[] = [];
  events: LogEvent[] = [];
  tick: Tick | null = null;
  rows: HistoryRow[] = [];
  filter: Filter = { states: new Set(), tag: "", profile: "", text: "" };
  connection: Connection = "connecting";
  trouble = "";
  loaded = false;
  lastId = "";

  private watchers = new Set<() => void>();
  private scheduled = false;
  private membersChanged = false;

  subscribe(watcher: () => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  /// Tells those who look, once a frame however much has come.
  touch(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    const run = () => {
      if (!this.scheduled) return;
      this.scheduled = false;
      this.settle();
      for (const watcher of this.watchers) watcher();
    };
    requestAnimationFrame(run);
    setTimeout(run, 250); // a tab in the background has no frames
  }

  setFilter(change: Partial<Filter>): void {
    this.filter = { ...this.filter, ...change };
    this.touch();
  }

  put(node: MachineNode): void {
    const known = this.nodes.get(node.name);
    if (known !== undefined && known.revision > node.revision) return; // a list that was overtaken
    const changed =
      known === undefined || known.profile !== node.profile || known.tags.join("\0") !== node.tags.join("\0");
    this.nodes.set(node.name, node);
    this.membersChanged ||= changed;
    this.replaced.add(node.name);
  }

  remove(name: string): void {
    if (this.nodes.delete(name)) this.membersChanged = true;
  }

  private replaced = new Set<string>();

  private settle(): void {
    if (this.membersChanged) {
      this.membersChanged = false;
      this.sorted = [...this.nodes.values()].sort((a, b) => order(a.name, b.name));
      this.tags = [...new Set(this.sorted.flatMap((n) => n.tags))].sort(order);
      this.profiles = [...new Set(this.sorted.map((n) => n.profile))].filter((p) => p !== "").sort(order);
    } else if (this.replaced.size > 0) {
      this.sorted = this.sorted.map((n) => (this.replaced.has(n.name) ? (this.nodes.get(n.name) ?? n) : n));
    }
    this.replaced.clear();
    for (const state of states) this.counts[state] = 0;
    for (const node of this.sorted) ++this.counts[node.state];
    this.counts = { ...this.counts };
    const { states: wanted, tag, profile, text } = this.filter;
    const words = text.toLowerCase().split(/\s+/).filter((w) => w !== "");
    this.shown =
      wanted.size === 0 && tag === "" && profile === "" && words.length === 0
        ? this.sorted
        : this.sorted.filter(
            (n) =>
              (wanted.size === 0 || wanted.has(n.state)) &&
              (tag === "" || n.tags.includes(tag)) &&
              (profile === "" || n.profile === profile) &&
              words.every((w) => holds(n, w)),
          );
  }

  private addRow(tick: Tick): void {
    const row = [tick.time, ...states.map((s) => tick.states[s]), tick.loading, tick.waiting, tick.bytes_per_second];
    if (this.rows.length > 0 && this.rows[this.rows.length - 1]![0]! >= tick.time) return;
    this.rows.push(row);
    if (this.rows.length > rowsMax) this.rows = this.rows.filter((_, i) => i % 2 === 0 || i > rowsMax / 2);
  }

  private take(events: StreamEvent[]): boolean {
    let stale = false;
    for (const { kind, data } of events) {
      if (kind === "nodes") {
        const change = data as { nodes: MachineNode[]; removed: string[] };
        change.nodes.forEach((n) => this.put(n));
        change.removed.forEach((n) => this.remove(n));
      } else if (kind === "tick") {
        this.tick = data as Tick;
        this.addRow(this.tick);
      } else if (kind === "reset") {
        stale = true;
      } else {
        const event = data as LogEvent;
        if (this.events.length === 0 || event.id > this.events[this.events.length - 1]!.id) this.events.push(event);
      }
    }
    if (this.events.length > eventsMax) this.events.splice(0, this.events.length - eventsMax);
    this.touch();
    return stale;
  }

  /// All that the events do not tell from the beginning. They are listened to already, so nothing
  /// that happens meanwhile is missed.
  private async load(): Promise<void> {
    const before = [...this.nodes.keys()];
    const seen = new Set<string>();
    await all<MachineNode>("nodes?view=brief&limit=1000", "nodes", (page) => {
      for (const node of page) {
        seen.add(node.name);
        this.put(node);
      }
      this.touch();
    });
    for (const name of before) {
      if (!seen.has(name)) this.remove(name);
    }
    const history = await call<{ samples: HistoryRow[] }>("history");
    const first = this.rows[0]?.[0] ?? Infinity;
    this.rows = [...history.samples.filter((row) => row[0]! < first), ...this.rows];
    const after = Math.max(0, Number(this.lastId || 0) - 500);
    const { events } = await call<{ events: LogEvent[] }>(`events?after=${after}&limit=500`);
    const oldest = this.events[0]?.id ?? Infinity;
    this.events = [...events.filter((e) => e.id < oldest), ...this.events];
    this.loaded = true;
    this.touch();
  }

  /// Listens for ever. After a break it goes on with what it missed.
  async follow(): Promise<void> {
    for (let pause = 500; ; pause = Math.min(pause * 2, 10_000)) {
      const stop = new AbortController();
      let silence = 0;
      const watch = setInterval(() => {
        if (++silence > 15) stop.abort(); // there is a tick every second
      }, 1000);
      try {
        await listen(this.lastId, stop.signal, (events, lastId) => {
          silence = 0;
          pause = 500;
          this.lastId = lastId;
          this.connection = "live";
          this.trouble = "";
          if (this.take(events)) {
            this.load().catch((error: unknown) => {
              this.trouble = String(error);
              this.lastId = "";
              stop.abort();
            });
          }
        });
        this.trouble = "the server ended the connection";
      } catch (error) {
        if (error instanceof ApiError && error.status === 401) {
          this.connection = "token";
          this.touch();
          await new Promise<void>((resolve) => (this.tokenGiven = resolve));
          pause = 250;
          continue;
        }
        this.trouble = error instanceof ApiError ? error.message : "the server cannot be reached";
      } finally {
        clearInterval(watch);
      }
      this.connection = "broken";
      this.touch();
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  tokenGiven: () => void = () => {};
}

function holds(node: MachineNode, word: string): boolean {
  return (
    node.name.toLowerCase().includes(word) ||
    node.mac.includes(word) ||
    node.address.includes(word) ||
    node.message.toLowerCase().includes(word) ||
    node.profile.toLowerCase().includes(word) ||
    node.tags.some((tag) => tag.toLowerCase().includes(word))
  );
}

export const store = new Store();

/// Draws a component again when the store has news.
export function useStore(): Store {
  const [, draw] = useState(0);
  useEffect(() => store.subscribe(() => draw((n) => n + 1)), []);
  return store;
}

/// The present, once a second.
export function useNow(): number {
  const [now, set] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => set(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
