// All machines, rack by rack, on one canvas.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { Painter, readTheme } from "./draw.ts";
import { age, bytes } from "./format.ts";
import { cellAt, fit, group, hit, place, sizes, unlisted, type Grouping } from "./racks.ts";
import { go, type Route } from "./route.ts";
import { mark, running } from "./states.ts";
import { useStore, type MachineNode } from "./store.ts";

function useSize(): [(element: HTMLElement | null) => void, { width: number; height: number }] {
  const [element, attach] = useState<HTMLElement | null>(null);
  const [size, set] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    if (element === null) return;
    const watch = new ResizeObserver(() => set({ width: element.clientWidth, height: element.clientHeight }));
    watch.observe(element);
    set({ width: element.clientWidth, height: element.clientHeight });
    return () => watch.disconnect();
  }, [element]);
  return [attach, size];
}

export function describe(node: MachineNode): string {
  const percent = running.has(node.state) ? `, ${node.stage_percent} %` : "";
  const message = node.message === "" ? "" : `: ${node.message}`;
  return `${node.name}, ${node.state}${percent}${message}`;
}

export function RackView({ route, theme }: { route: Route; theme: string }) {
  const store = useStore();
  const [grouping, setGrouping] = useState<Grouping>("rack");
  const [zoom, setZoom] = useState(-1); // index of sizes; -1: as large as fits
  const [attach, size] = useSize();
  const scroller = useRef<HTMLDivElement | null>(null);
  const canvas = useRef<HTMLCanvasElement | null>(null);
  const [cursor, setCursor] = useState("");
  const [focused, setFocused] = useState(false);
  const [hover, setHover] = useState<{ node: MachineNode; x: number; y: number } | null>(null);

  const shown = useMemo(() => new Set(store.shown.map((n) => n.name)), [store.shown]);
  const filtered = store.shown !== store.sorted;
  const groups = useMemo(() => {
    const every = group(store.sorted, grouping);
    if (filtered) {
      // A rack without a match goes; in the others all keep their places.
      for (const [name, nodes] of every) {
        if (!nodes.some((n) => shown.has(n.name))) every.delete(name);
      }
    }
    return grouping === "rack" || grouping === "profile"
      ? new Map(
          [...every].sort(
            ([a], [b]) => Number(a === unlisted) - Number(b === unlisted) || a.localeCompare(b, "en", { numeric: true }),
          ),
        )
      : every;
  }, [store.sorted, grouping, filtered, shown]);
  const layout = useMemo(
    () =>
      zoom < 0
        ? fit(groups, size.width - 10, size.height)
        : place(groups, sizes[zoom]!, Math.max(size.width - 10, 80)),
    [groups, size, zoom],
  );
  const scale = window.devicePixelRatio || 1;
  const painter = useMemo(() => new Painter(readTheme(), layout.cell, scale), [layout.cell, scale, theme]);

  const draw = () => {
    const target = canvas.current;
    const box = scroller.current;
    if (target === null || box === null || size.width === 0) return;
    const width = Math.round(size.width * scale);
    const height = Math.round(size.height * scale);
    if (target.width !== width || target.height !== height) {
      target.width = width;
      target.height = height;
    }
    painter.paint(target.getContext("2d")!, layout, box.scrollTop, size.height, size.width, {
      selected: route.node,
      cursor,
      focused,
      matches: filtered ? (node) => shown.has(node.name) : () => true,
    });
  };
  useLayoutEffect(draw);

  const order = useMemo(() => layout.racks.flatMap((rack) => rack.nodes.map((node, i) => ({ rack, node, i }))), [layout]);
  const reveal = (name: string) => {
    const found = order.find((o) => o.node.name === name);
    const box = scroller.current;
    if (found === undefined || box === null) return;
    const { y } = cellAt(layout, found.rack, found.i);
    if (y < box.scrollTop + 20) box.scrollTop = Math.max(0, y - 60);
    else if (y + layout.cell > box.scrollTop + size.height - 8) box.scrollTop = y - size.height + 60;
  };
  useEffect(() => {
    if (route.node !== "") {
      setCursor(route.node);
      reveal(route.node);
    }
  }, [route.node, size.width]);

  const move = (key: string): boolean => {
    const at = order.findIndex((o) => o.node.name === cursor);
    const here = order[at];
    if (here === undefined) {
      if (order.length > 0) setCursor(order[0]!.node.name);
      return true;
    }
    let next = at;
    if (key === "ArrowRight") next = at + 1;
    else if (key === "ArrowLeft") next = at - 1;
    else if (key === "Home") next = 0;
    else if (key === "End") next = order.length - 1;
    else if (key === "ArrowDown" || key === "ArrowUp") {
      const from = cellAt(layout, here.rack, here.i);
      const down = key === "ArrowDown";
      let best = Infinity;
      order.forEach((o, i) => {
        const to = cellAt(layout, o.rack, o.i);
        const dy = down ? to.y - from.y : from.y - to.y;
        if (dy <= 0) return;
        const far = dy * 4 + Math.abs(to.x - from.x);
        if (far < best) {
          best = far;
          next = i;
        }
      });
    } else return false;
    const target = order[Math.min(Math.max(next, 0), order.length - 1)]!;
    setCursor(target.node.name);
    reveal(target.node.name);
    return true;
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if ((event.key === "Enter" || event.key === " ") && cursor !== "") go({ view: "racks", node: cursor });
    else if (!move(event.key)) return;
    event.preventDefault();
  };
  const at = (event: MouseEvent) => {
    const box = canvas.current!.getBoundingClientRect();
    return hit(layout, event.clientX - box.left, event.clientY - box.top + scroller.current!.scrollTop);
  };
  const current = store.nodes.get(cursor);

  return (
    <section class="racks" aria-label="Machines by rack">
      <div class="toolbar">
        <label>
          Group by{" "}
          <select value={grouping} onChange={(e) => setGrouping(e.currentTarget.value as Grouping)}>
            <option value="rack">rack</option>
            <option value="profile">profile</option>
            <option value="state">state</option>
            <option value="none">nothing</option>
          </select>
        </label>
        <span class="zoom" role="group" aria-label="Size">
          <button aria-label="Smaller" onClick={() => setZoom(Math.max(0, sizes.indexOf(layout.cell) - 1))}>
            −
          </button>
          <button aria-pressed={zoom < 0} onClick={() => setZoom(-1)}>
            fit
          </button>
          <button
            aria-label="Larger"
            onClick={() => setZoom(Math.min(sizes.length - 1, sizes.indexOf(layout.cell) + 1))}
          >
            +
          </button>
        </span>
        <span class="soft grow">
          {layout.racks.length} {grouping === "none" ? "group" : grouping}
          {layout.racks.length === 1 ? "" : "s"}
        </span>
        <span class="soft keys" aria-live="polite">
          {focused && current !== undefined ? describe(current) : "arrows move, Enter opens"}
        </span>
      </div>
      <div
        class="scroller"
        tabIndex={0}
        role="application"
        aria-roledescription="grid of machines"
        aria-label={current === undefined ? `${store.shown.length} machines` : describe(current)}
        ref={(element) => {
          scroller.current = element;
          attach(element);
        }}
        onScroll={draw}
        onKeyDown={onKey}
        onFocus={() => setFocused(true)}
        onBlur={() => setFocused(false)}
        onMouseMove={(event) => {
          const found = at(event);
          const box = scroller.current!.getBoundingClientRect();
          setHover(
            found === null
              ? null
              : { node: found.rack.nodes[found.index]!, x: event.clientX - box.left, y: event.clientY - box.top },
          );
        }}
        onMouseLeave={() => setHover(null)}
        onClick={(event) => {
          const found = at(event);
          if (found !== null) {
            const name = found.rack.nodes[found.index]!.name;
            setCursor(name);
            go({ view: "racks", node: name });
          }
        }}
      >
        <canvas ref={canvas} style={{ width: `${size.width}px`, height: `${size.height}px` }} />
        <div class="extent" style={{ height: `${Math.max(0, layout.height - size.height)}px` }} />
        {store.loaded && store.shown.length === 0 && (
          <p class="empty">
            {store.sorted.length === 0
              ? "No machine is known yet. It appears here with its first network boot, or with `muster add`."
              : "No machine matches the filter."}
          </p>
        )}
      </div>
      {hover !== null && <Tip hover={hover} width={size.width} />}
    </section>
  );
}

function Tip({ hover, width }: { hover: { node: MachineNode; x: number; y: number }; width: number }) {
  const store = useStore();
  const node = store.nodes.get(hover.node.name) ?? hover.node;
  const left = Math.min(hover.x + 14, Math.max(0, width - 270));
  return (
    <div class="tip" role="presentation" style={{ left: `${left}px`, top: `${hover.y + 56}px` }}>
      <div>
        <b>{node.name}</b> <span class={`state ${node.state}`}>{mark[node.state]} {node.state}</span>
      </div>
      <div class="soft">
        {[node.address, node.mac, node.profile].filter((t) => t !== "").join(" · ")}
      </div>
      {running.has(node.state) && (
        <div>
          {node.stage_percent} %
          {node.expected_bytes > 0 && `, ${bytes(node.bytes_served)} of ${bytes(node.expected_bytes)}`}
        </div>
      )}
      {node.message !== "" && <div>{node.message}</div>}
      {node.since_ms > 0 && <div class="soft">for {age(node.since_ms, Date.now())}</div>}
    </div>
  );
}
