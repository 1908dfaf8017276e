// One machine: where its install stands, what its last boots were like, what it would get now.
import { useEffect, useRef, useState } from "preact/hooks";
import { call } from "./api.ts";
import { age, bytes, clock, duration } from "./format.ts";
import { Bar, StateText } from "./Lists.tsx";
import { running } from "./states.ts";
import { useNow, useStore } from "./store.ts";
import type { Order } from "./OrderDialog.tsx";

interface FullNode {
  name: string;
  macs: string[];
  address: string;
  address6: string;
  tags: string[];
  variables: Record<string, string>;
  origin: string;
  uuid: string | null;
  arch: number | null;
  circuit_id: string;
  remote_id: string;
  deadline: string | null;
  queue_place: number | null;
}

interface Entry {
  boot: number;
  time: number;
  last: number;
  count: number;
  kind: string;
  text: string;
  bytes?: number;
  end?: "done" | "runs" | "broken-off";
}

interface Attempt {
  attempt: number;
  began: string | null;
  marks: Record<string, number>;
  seconds: Record<string, number>;
  waited_ms_by_cause: Record<string, number>;
}

interface Timeline {
  attempts: Attempt[];
  events: { id: number; time: number; event: string; message: string }[];
  recorder: Entry[];
  findings: { code: string; message: string }[];
}

interface Rendered {
  files: Record<string, string>;
  problems: Record<string, string>;
}

const archText: Record<number, string> = {
  0: "x86 BIOS",
  6: "x86 UEFI, 32 bit",
  7: "x86-64 UEFI",
  9: "x86-64 UEFI",
  10: "ARM UEFI, 32 bit",
  11: "ARM64 UEFI",
  15: "x86-64 UEFI, HTTP boot",
  16: "x86-64 UEFI, HTTP boot",
  19: "ARM64 UEFI, HTTP boot",
};

const stages = ["offer", "loader", "script", "kernel", "answers", "started", "installed"];

const tabs = ["timeline", "files", "details"] as const;

/// Asks again whenever the node has changed, and now and then while an attempt runs.
function useAnswer<T>(path: string, version: string): { answer: T | null; trouble: string } {
  const [answer, set] = useState<T | null>(null);
  const [trouble, setTrouble] = useState("");
  const asked = useRef("");
  useEffect(() => {
    let live = true;
    if (asked.current !== path) set(null);
    asked.current = path;
    call<T>(path)
      .then((got) => {
        if (!live) return;
        set(got);
        setTrouble("");
      })
      .catch((error: unknown) => live && setTrouble(error instanceof Error ? error.message : String(error)));
    return () => {
      live = false;
    };
  }, [path, version]);
  return { answer, trouble };
}

export function NodePanel({ name, close, order }: { name: string; close: () => void; order: (order: Order) => void }) {
  const store = useStore();
  const now = useNow();
  const [tab, setTab] = useState<(typeof tabs)[number]>("timeline");
  const panel = useRef<HTMLElement>(null);
  const node = store.nodes.get(name);
  const base = `nodes/${encodeURIComponent(name)}`;
  const slow = node !== undefined && running.has(node.state) ? Math.floor(now / 3000) : 0;
  const version = `${node?.revision ?? 0} ${slow}`;
  const { answer: full } = useAnswer<FullNode>(base, version);
  const { answer: timeline, trouble } = useAnswer<Timeline>(`${base}/timeline`, version);
  useEffect(() => panel.current?.focus(), [name]);

  if (node === undefined) {
    return (
      <aside class="panel" ref={panel} tabIndex={-1} aria-label={name}>
        <header>
          <h2>{name}</h2>
          <button class="close" aria-label="Close" onClick={close}>
            ✕
          </button>
        </header>
        <p class="empty">{store.loaded ? "No node has this name." : "…"}</p>
      </aside>
    );
  }
  return (
    <aside class="panel" ref={panel} tabIndex={-1} aria-label={`Node ${name}`}>
      <header>
        <h2>{name}</h2>
        <StateText state={node.state} />
        <button class="close" aria-label="Close" title="Esc" onClick={close}>
          ✕
        </button>
      </header>
      <div class="glance">
        {running.has(node.state) && (
          <p class="stage">
            <Bar node={node} />
            {node.expected_bytes > 0 && node.state === "loading" && (
              <span class="soft">
                {bytes(node.bytes_served)} of {bytes(node.expected_bytes)}
              </span>
            )}
          </p>
        )}
        {node.message !== "" && <p class={node.state === "failed" ? "bad" : ""}>{node.message}</p>}
        <p class="soft">
          {node.state} for {age(node.since_ms, now)}
          {node.attempt > 0 && `, attempt ${node.attempt}`}
          {full?.queue_place != null && `, place ${full.queue_place} in the queue`}
          {full?.deadline != null && running.has(node.state) && `, ${duration(Date.parse(full.deadline) - now)} to its deadline`}
        </p>
        <p class="soft">
          {[node.profile || "no profile", node.address, node.mac].filter((t) => t !== "").join(" · ")}
        </p>
        {node.tags.length > 0 && (
          <p>
            {node.tags.map((tag) => (
              <button key={tag} class="tag" onClick={() => store.setFilter({ tag: store.filter.tag === tag ? "" : tag })}>
                {tag}
              </button>
            ))}
          </p>
        )}
      </div>
      <div class="orders">
        <button class="danger" onClick={() => order({ verb: "install", names: [name] })}>
          Install…
        </button>
        <button onClick={() => order({ verb: "boot-local", names: [name] })}>Boot local…</button>
        <button onClick={() => order({ verb: "ignore", names: [name] })}>Ignore…</button>
      </div>
      {timeline !== null && timeline.findings.length > 0 && (
        <ul class="findings" aria-label="Findings">
          {timeline.findings.map((f) => (
            <li key={f.code} title={f.code}>
              {f.message}
            </li>
          ))}
        </ul>
      )}
      <div class="tabs" role="tablist">
        {tabs.map((t) => (
          <button key={t} role="tab" aria-selected={tab === t} onClick={() => setTab(t)}>
            {t === "timeline" ? "Time line" : t === "files" ? "What it gets" : "Details"}
          </button>
        ))}
      </div>
      <div class="body" role="tabpanel">
        {trouble !== "" && <p class="bad">{trouble}</p>}
        {tab === "timeline" && timeline !== null && <TimelineView timeline={timeline} />}
        {tab === "files" && <Files base={base} version={String(node.revision)} />}
        {tab === "details" && full !== null && <Details node={full} />}
      </div>
    </aside>
  );
}

function TimelineView({ timeline }: { timeline: Timeline }) {
  const boots = new Map<number, Entry[]>();
  for (const entry of timeline.recorder) boots.set(entry.boot, [...(boots.get(entry.boot) ?? []), entry]);
  const attempts = [...timeline.attempts].reverse();
  return (
    <>
      {attempts.map((attempt) => (
        <AttemptBar key={attempt.attempt} attempt={attempt} />
      ))}
      {[...boots.entries()].reverse().map(([boot, entries]) => (
        <section key={boot} class="boot">
          <h3>
            {boot === 0 ? "Before its first boot" : `Boot ${boot}`} <small>{clock(entries[0]!.time)}</small>
          </h3>
          <ol>
            {entries.map((e, i) => (
              <li key={i} class={`${e.kind} ${e.end ?? ""}`}>
                <span class="n soft" title={clock(e.time)}>
                  +{duration(e.time - entries[0]!.time)}
                </span>
                <span class="kind">{e.kind}</span>
                <span class="what">
                  {e.text}
                  {e.count > 1 && <span class="soft"> ×{e.count}</span>}
                  {e.bytes !== undefined && (
                    <span class="soft">
                      {" "}
                      {bytes(e.bytes)}
                      {e.last > e.time && `, ${duration(e.last - e.time)}`}
                    </span>
                  )}
                  {e.end === "runs" && <span class="runs"> runs</span>}
                  {e.end === "broken-off" && <span class="bad"> ✕ broken off</span>}
                </span>
              </li>
            ))}
          </ol>
        </section>
      ))}
      {timeline.events.length > 0 && (
        <section class="boot">
          <h3>Events</h3>
          <ol>
            {[...timeline.events].reverse().map((e) => (
              <li key={e.id} class={e.event}>
                <span class="soft at">{clock(e.time)}</span>
                <span class="what">
                  {e.event === "state-changed" ? "" : `${e.event}: `}
                  {e.message}
                </span>
              </li>
            ))}
          </ol>
        </section>
      )}
      {timeline.recorder.length === 0 && timeline.events.length === 0 && (
        <p class="empty">It was not seen on the network yet.</p>
      )}
    </>
  );
}

/// An attempt as a line with its marks, to scale.
function AttemptBar({ attempt }: { attempt: Attempt }) {
  const seen = stages.filter((s) => attempt.seconds[s] !== undefined);
  const end = Math.max(...seen.map((s) => attempt.seconds[s]!), 0.1);
  const waits = Object.entries(attempt.waited_ms_by_cause).filter(([, ms]) => ms > 0);
  return (
    <section class="attempt">
      <h3>
        Attempt {attempt.attempt} <small>{attempt.began !== null && clock(Date.parse(attempt.began))}</small>
      </h3>
      <div class="track" aria-hidden="true">
        {seen.map((s, i) => {
          const from = attempt.seconds[s]!;
          const to = i + 1 < seen.length ? attempt.seconds[seen[i + 1]!]! : end;
          return (
            <i
              key={s}
              class={s}
              title={`${s} at ${from} s`}
              style={{ left: `${(from / end) * 100}%`, width: `${Math.max(0.6, ((to - from) / end) * 100)}%` }}
            />
          );
        })}
      </div>
      <ul class="marks">
        {seen.map((s) => (
          <li key={s}>
            <i class={s} aria-hidden="true" />
            {s} <b>{duration(attempt.seconds[s]! * 1000)}</b>
          </li>
        ))}
      </ul>
      {waits.length > 0 && (
        <p class="soft">
          waited: {waits.map(([cause, ms]) => `${cause.replaceAll("_", " ")} ${duration(ms)}`).join(", ")}
        </p>
      )}
    </section>
  );
}

function Files({ base, version }: { base: string; version: string }) {
  const { answer, trouble } = useAnswer<Rendered>(`${base}/render`, version);
  const [open, setOpen] = useState("");
  if (trouble !== "") return <p class="bad">{trouble}</p>;
  if (answer === null) return <p class="empty">…</p>;
  const names = Object.keys(answer.files);
  const shown = names.includes(open) ? open : (names[0] ?? "");
  return (
    <div class="files">
      <p class="soft">What this machine would be given now. Its token is made with the attempt, so it is left out.</p>
      <div class="names" role="tablist">
        {names.map((name) => (
          <button key={name} role="tab" aria-selected={name === shown} onClick={() => setOpen(name)}>
            {answer.problems[name] !== undefined && <span class="bad">✕ </span>}
            {name}
          </button>
        ))}
      </div>
      {answer.problems[shown] !== undefined && <p class="bad">{answer.problems[shown]}</p>}
      <pre tabIndex={0}>{answer.files[shown]}</pre>
    </div>
  );
}

function Details({ node }: { node: FullNode }) {
  const rows: [string, string][] = [
    ["link addresses", node.macs.join(", ")],
    ["IPv4", node.address],
    ["IPv6", node.address6],
    ["UUID", node.uuid ?? ""],
    ["firmware", node.arch === null ? "" : (archText[node.arch] ?? `architecture ${node.arch}`)],
    ["switch port", node.circuit_id],
    ["switch", node.remote_id],
    ["known from", node.origin],
    ["tags", node.tags.join(", ")],
    ...Object.entries(node.variables).map(([k, v]): [string, string] => [k, v]),
  ];
  return (
    <dl class="details">
      {rows
        .filter(([, value]) => value !== "")
        .map(([key, value]) => (
          <div key={key}>
            <dt>{key}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}
