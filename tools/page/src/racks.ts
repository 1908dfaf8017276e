// Which machines stand together, and where on the canvas they are drawn.
import type { MachineNode } from "./store.ts";

export type Grouping = "rack" | "profile" | "state" | "none";

export interface Cell {
  node: MachineNode;
  x: number;
  y: number;
}

export interface Rack {
  name: string;
  nodes: MachineNode[];
  columns: number;
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Layout {
  racks: Rack[];
  cell: number;
  pitch: number;
  height: number;
}

export const titleHeight = 19;
const pad = 6;
const between = 10;

/// Machines that were seen and are in no file of the site are named by their link address.
export const unlisted = "not listed";

const rackTag = /^(rack|row|pod|cab|cabinet|chassis|shelf|r)[-_.]?\d/i;

/// The rack of a machine: a tag that looks like one, else its name without its last number
/// (`r1n01` stands in `r1`, `node0042` in `node`).
export function rackOf(node: MachineNode): string {
  const tag = node.tags.find((t) => rackTag.test(t));
  if (tag !== undefined) return tag;
  if (/^node-[0-9a-f]{12}$/.test(node.name)) return unlisted;
  const stem = node.name.replace(/[-_.]?[a-z]*[-_.]?\d+$/i, "");
  return stem === "" ? "machines" : stem;
}

export function group(nodes: MachineNode[], by: Grouping): Map<string, MachineNode[]> {
  const groups = new Map<string, MachineNode[]>();
  for (const node of nodes) {
    const key =
      by === "rack" ? rackOf(node) : by === "profile" ? node.profile || "no profile" : by === "state" ? node.state : "machines";
    const members = groups.get(key);
    if (members === undefined) groups.set(key, [node]);
    else members.push(node);
  }
  return groups;
}

function columnsFor(count: number, pitch: number, width: number): number {
  const wide = Math.max(1, Math.floor((width - 2 * pad) / pitch));
  const wanted = count <= 8 ? Math.max(4, count) : count <= 48 ? 8 : count <= 128 ? 16 : Math.ceil(Math.sqrt(count * 3));
  return Math.min(wide, wanted);
}

export function place(groups: Map<string, MachineNode[]>, cell: number, width: number): Layout {
  const pitch = cell + (cell >= 16 ? 3 : 2);
  const racks: Rack[] = [];
  let x = 0;
  let y = 0;
  let line = 0;
  for (const [name, nodes] of groups) {
    const columns = columnsFor(nodes.length, pitch, width);
    const rows = Math.ceil(nodes.length / columns);
    const w = columns * pitch + 2 * pad;
    const h = titleHeight + rows * pitch + 2 * pad;
    if (x > 0 && x + w > width) {
      x = 0;
      y += line + between;
      line = 0;
    }
    racks.push({ name, nodes, columns, x, y, width: w, height: h });
    x += w + between;
    line = Math.max(line, h);
  }
  return { racks, cell, pitch, height: y + line };
}

export const sizes = [9, 11, 13, 16, 20, 26];

/// The largest cells with which all fits; the smallest if nothing does.
export function fit(groups: Map<string, MachineNode[]>, width: number, height: number): Layout {
  for (const cell of [...sizes].reverse()) {
    const layout = place(groups, cell, width);
    if (layout.height <= height) return layout;
  }
  return place(groups, sizes[1]!, width);
}

export function cellAt(layout: Layout, rack: Rack, index: number): { x: number; y: number } {
  return {
    x: rack.x + pad + (index % rack.columns) * layout.pitch,
    y: rack.y + titleHeight + pad + Math.floor(index / rack.columns) * layout.pitch,
  };
}

/// What is under a point: a rack and the number of its machine.
export function hit(layout: Layout, x: number, y: number): { rack: Rack; index: number } | null {
  for (const rack of layout.racks) {
    if (x < rack.x || x >= rack.x + rack.width || y < rack.y || y >= rack.y + rack.height) continue;
    const column = Math.floor((x - rack.x - pad) / layout.pitch);
    const row = Math.floor((y - rack.y - titleHeight - pad) / layout.pitch);
    const index = row * rack.columns + column;
    return column >= 0 && column < rack.columns && row >= 0 && index < rack.nodes.length ? { rack, index } : null;
  }
  return null;
}
