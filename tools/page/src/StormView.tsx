// A storm as it goes: machines by stage over time, what they are sent, and who waits for what.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { call } from "./api.ts";
import { readTheme } from "./draw.ts";
import { clock, count, duration, rate } from "./format.ts";
import { go } from "./route.ts";
import { mark, states, type State } from "./states.ts";
import { useStore, type HistoryRow } from "./store.ts";

interface Governor {
  slots: number | null;
  adapts?: boolean;
  loading: number;
  waiting: number;
  bytes_per_second: number;
  budgets: { name: string; slots: number; loading: number }[];
  machines: { name: string; loading_ms: number; quiet_ms: number; waited_ms: number; bytes: number }[];
  queue: {
    name: string;
    place: number;
    priority: number;
    waited_ms: number;
    expected_ms: number | null;
    full_budget: string | null;
  }[];
}

interface Waits {
  causes: Record<string, { total_ms: number; longest_ms: number; nodes: number }>;
  worst: { name: string; state: State; cause: string; waited_ms: number }[];
}

const causeText: Record<string, string> = {
  dhcp_collecting: "the client collects offers",
  dhcp_flush: "its lease is made durable",
  dhcp_probe: "its address is probed",
  tftp_no_answer: "TFTP blocks were lost and sent again",
  governor: "its turn to load",
};

/// The latest answer of a path that is asked again and again while somebody looks.
function usePoll<T>(path: string, everyMs: number): T | null {
  const [answer, set] = useState<T | null>(null);
  useEffect(() => {
    let live = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async () => {
      try {
        const got = await call<T>(path);
        if (live) set(got);
      } catch {
        // The connection's state is shown by the header; the last answer stays.
      }
      if (live) timer = setTimeout(() => void ask(), everyMs);
    };
    void ask();
    return () => {
      live = false;
      clearTimeout(timer);
    };
  }, [path, everyMs]);
  return answer;
}

// Stacked from below: what is done, then what is on its way, then what is still to come.
const stack: State[] = ["installed", "installing", "loading", "booting", "failed", "ready", "new", "ignored"];

/// Opaque, because each stage is drawn over the higher ones.
function mixed(colour: string, ground: string): string {
  const parts = (text: string) => [1, 3, 5].map((i) => parseInt(text.slice(i, i + 2), 16));
  const back = parts(ground);
  return `rgb(${parts(colour).map((c, i) => Math.round(c * 0.62 + back[i]! * 0.38)).join(" ")})`;
}

const spans = [
  { label: "5 min", seconds: 300 },
  { label: "30 min", seconds: 1800 },
  { label: "2 h", seconds: 7200 },
];

function columnsOf(rows: HistoryRow[], hidden: ReadonlySet<State>): number[][] {
  const columns: number[][] = [rows.map((row) => row[0]! / 1000)];
  const sums = rows.map(() => 0);
  for (const state of stack) {
    const at = 1 + states.indexOf(state);
    columns.push(
      rows.map((row, i) => {
        if (!hidden.has(state)) sums[i]! += row[at]!;
        return sums[i]!;
      }),
    );
  }
  return columns;
}

function axisValues(seconds: number[]): string[] {
  return seconds.map((s) => {
    const at = new Date(s * 1000);
    const text = `${String(at.getHours()).padStart(2, "0")}:${String(at.getMinutes()).padStart(2, "0")}`;
    return at.getSeconds() === 0 ? text : `${text}:${String(at.getSeconds()).padStart(2, "0")}`;
  });
}

interface PlotProps {
  label: string;
  data: uPlot.AlignedData;
  series: uPlot.Series[];
  values: (v: number) => string;
  height: number;
  look: string; ///< draws anew when it changes
  from: number;
  to: number;
}

function Plot({ label, data, series, values, height, look, from, to }: PlotProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  useLayoutEffect(() => {
    const element = box.current!;
    const theme = readTheme();
    const axis: uPlot.Axis = {
      stroke: theme.soft,
      font: "11px ui-sans-serif, system-ui, sans-serif",
      grid: { stroke: theme.line, width: 1 },
      ticks: { show: false },
    };
    plot.current = new uPlot(
      {
        width: Math.max(200, element.clientWidth),
        height,
        legend: { show: false },
        cursor: { points: { show: false }, drag: { x: false, y: false } },
        padding: [10, 8, 0, 0],
        scales: { x: { time: true }, y: { range: (_u, _min, max) => [0, Math.max(1, max * 1.04)] } },
        axes: [
          { ...axis, values: (_u, splits) => axisValues(splits), space: 70, size: 24, gap: 4 },
          { ...axis, size: 66, values: (_u, splits) => splits.map(values) },
        ],
        series: [{}, ...series],
      },
      data,
      element,
    );
    const watch = new ResizeObserver(() =>
      plot.current?.setSize({ width: Math.max(200, element.clientWidth), height }),
    );
    watch.observe(element);
    return () => {
      watch.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [look, height]);
  useLayoutEffect(() => {
    plot.current?.batch(() => {
      plot.current!.setData(data, false);
      plot.current!.setScale("x", { min: from, max: to });
    });
  }, [data, from, to, look]);
  return <div class="plot" ref={box} role="img" aria-label={label} />;
}

export function StormView({ theme }: { theme: string }) {
  const store = useStore();
  const governor = usePoll<Governor>("governor?limit=200", 1500);
  const waits = usePoll<Waits>("waits?limit=12", 3000);
  const [span, setSpan] = useState(300);
  const [hidden, setHidden] = useState<ReadonlySet<State>>(new Set<State>(["ignored", "new"]));
  const colours = readTheme();
  const to = (store.rows[store.rows.length - 1]?.[0] ?? Date.now()) / 1000;
  const from = to - span;
  const rows = store.rows.filter((row) => row[0]! / 1000 >= from - 10);
  const columns = columnsOf(rows, hidden);
  const filled = stack.map((state) => ({ state, show: !hidden.has(state) }));
  const series: uPlot.Series[] = filled
    .map(({ state, show }, i): { series: uPlot.Series; data: number[] } => ({
      series: {
        label: state,
        show,
        stroke: colours.state[state],
        width: 1,
        fill: mixed(colours.state[state], colours.surface),
        points: { show: false },
      },
      data: columns[i + 1]!,
    }))
    .map((s) => s.series);
  // The highest first, so that each lower one is drawn over it.
  const stacked = [columns[0]!, ...columns.slice(1).reverse()] as uPlot.AlignedData;
  const egress = [columns[0]!, rows.map((r) => r[states.length + 3]!)] as uPlot.AlignedData;
  const queue = [
    columns[0]!,
    rows.map((r) => r[states.length + 1]!),
    rows.map((r) => r[states.length + 2]!),
  ] as uPlot.AlignedData;
  const tick = store.tick;
  const inFlight = store.counts.booting + store.counts.loading + store.counts.installing;

  return (
    <section class="storm" aria-label="Storm">
      <div class="toolbar">
        <span class="group" role="group" aria-label="Time shown">
          {spans.map(({ label, seconds }) => (
            <button key={label} aria-pressed={span === seconds} onClick={() => setSpan(seconds)}>
              {label}
            </button>
          ))}
        </span>
        <span class="legend grow">
          {stack.map((state) => (
            <button
              key={state}
              class={`key ${state}`}
              aria-pressed={!hidden.has(state)}
              onClick={() => {
                const next = new Set(hidden);
                if (!next.delete(state)) next.add(state);
                setHidden(next);
              }}
            >
              <i aria-hidden="true">{mark[state]}</i> {state} <b>{count(store.counts[state])}</b>
            </button>
          ))}
        </span>
      </div>
      <dl class="figures">
        <div>
          <dt>on their way</dt>
          <dd>{count(inFlight)}</dd>
        </div>
        <div>
          <dt>loading now</dt>
          <dd>
            {count(tick?.loading ?? 0)}
            <small> of {count(tick?.slots ?? 0)} slots</small>
          </dd>
        </div>
        <div>
          <dt>wait for their turn</dt>
          <dd>{count(tick?.waiting ?? 0)}</dd>
        </div>
        <div>
          <dt>sent to machines</dt>
          <dd>{rate(tick?.bytes_per_second ?? 0)}</dd>
        </div>
        <div>
          <dt>failed</dt>
          <dd class={store.counts.failed > 0 ? "bad" : ""}>{count(store.counts.failed)}</dd>
        </div>
      </dl>
      <div class="plots">
        <figure class="wide">
          <figcaption>Machines by stage</figcaption>
          <Plot
            label="Machines by stage over time"
            data={stacked}
            series={[...series].reverse()}
            values={(v) => count(v)}
            height={260}
            look={`${theme}${[...hidden].join()}`}
            from={from}
            to={to}
          />
        </figure>
        <figure>
          <figcaption>Sent to machines</figcaption>
          <Plot
            label="Rate over time"
            data={egress}
            series={[
              {
                stroke: colours.state.installing,
                width: 1.5,
                fill: `${colours.state.installing}33`,
                points: { show: false },
              },
            ]}
            values={rate}
            height={170}
            look={theme}
            from={from}
            to={to}
          />
        </figure>
        <figure>
          <figcaption>
            Loading now (solid) and waiting (dashed)
          </figcaption>
          <Plot
            label="Machines that load and that wait, over time"
            data={queue}
            series={[
              { stroke: colours.state.loading, width: 1.5, points: { show: false } },
              { stroke: colours.state.booting, width: 1.5, dash: [5, 4], points: { show: false } },
            ]}
            values={(v) => count(v)}
            height={170}
            look={theme}
            from={from}
            to={to}
          />
        </figure>
      </div>
      <div class="columns">
        <div>
          <h2>
            Queue <small>{count(governor?.waiting ?? 0)}</small>
          </h2>
          {governor !== null && governor.queue.length === 0 && (
            <p class="soft">Nobody waits{governor.slots === null ? ": the governor is off" : ""}.</p>
          )}
          {governor !== null && governor.queue.length > 0 && (
            <table>
              <thead>
                <tr>
                  <th>#</th>
                  <th>node</th>
                  <th class="n">waited</th>
                  <th class="n">expected</th>
                  <th>why</th>
                </tr>
              </thead>
              <tbody>
                {governor.queue.slice(0, 50).map((w) => (
                  <tr key={w.name} class="link" onClick={() => go({ view: "storm", node: w.name })}>
                    <td class="soft">{w.place}</td>
                    <td>
                      <a href={`#/storm/${encodeURIComponent(w.name)}`}>{w.name}</a>
                    </td>
                    <td class="n">{duration(w.waited_ms)}</td>
                    <td class="n">{w.expected_ms === null ? "" : duration(w.expected_ms)}</td>
                    <td>{w.full_budget === null ? `all ${governor.slots} slots load` : `budget ${w.full_budget} is full`}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
          {governor !== null && governor.queue.length > 50 && (
            <p class="soft">and {count(governor.waiting - 50)} more</p>
          )}
        </div>
        <div>
          <h2>
            Loading <small>{count(governor?.loading ?? 0)}</small>
          </h2>
          {governor !== null && governor.budgets.length > 0 && (
            <p class="soft">
              {governor.budgets.map((b) => `${b.name}: ${b.loading} of ${b.slots}`).join(" · ")}
            </p>
          )}
          {governor !== null && governor.machines.length === 0 && <p class="soft">No machine loads.</p>}
          {governor !== null && governor.machines.length > 0 && (
            <table>
              <thead>
                <tr>
                  <th>node</th>
                  <th class="n">for</th>
                  <th class="n">quiet</th>
                  <th class="n">waited</th>
                </tr>
              </thead>
              <tbody>
                {governor.machines.slice(0, 50).map((m) => (
                  <tr key={m.name} class="link" onClick={() => go({ view: "storm", node: m.name })}>
                    <td>
                      <a href={`#/storm/${encodeURIComponent(m.name)}`}>{m.name}</a>
                    </td>
                    <td class="n">{duration(m.loading_ms)}</td>
                    <td class="n">{m.quiet_ms >= 1000 ? duration(m.quiet_ms) : ""}</td>
                    <td class="n">{m.waited_ms === 0 ? "" : duration(m.waited_ms)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </div>
        <div>
          <h2>Where the time went</h2>
          {waits !== null && (
            <table>
              <thead>
                <tr>
                  <th>waiting for</th>
                  <th class="n">machines</th>
                  <th class="n">longest</th>
                  <th class="n">in all</th>
                </tr>
              </thead>
              <tbody>
                {Object.entries(waits.causes)
                  .sort(([, a], [, b]) => b.total_ms - a.total_ms)
                  .map(([cause, sum]) => (
                    <tr key={cause} class={sum.nodes === 0 ? "soft" : ""}>
                      <td title={cause}>{causeText[cause] ?? cause}</td>
                      <td class="n">{count(sum.nodes)}</td>
                      <td class="n">{sum.nodes === 0 ? "none" : duration(sum.longest_ms)}</td>
                      <td class="n">{sum.nodes === 0 ? "" : duration(sum.total_ms)}</td>
                    </tr>
                  ))}
              </tbody>
            </table>
          )}
          {waits !== null && waits.worst.length > 0 && (
            <>
              <h2>Longest waits</h2>
              <table>
                <tbody>
                  {waits.worst.map((w) => (
                    <tr key={w.name + w.cause} class="link" onClick={() => go({ view: "storm", node: w.name })}>
                      <td>
                        <a href={`#/storm/${encodeURIComponent(w.name)}`}>{w.name}</a>
                      </td>
                      <td class="n">{duration(w.waited_ms)}</td>
                      <td>{causeText[w.cause] ?? w.cause}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </>
          )}
        </div>
      </div>
      {store.rows.length > 0 && <p class="soft foot">from {clock(store.rows[0]![0]!)}</p>}
    </section>
  );
}
