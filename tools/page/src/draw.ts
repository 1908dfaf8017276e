// Draws the racks on a canvas: ten thousand machines in a few milliseconds, from one small picture
// for each state and progress.
import { cellAt, titleHeight, type Layout, type Rack } from "./racks.ts";
import { running, mark, type State } from "./states.ts";
import type { MachineNode } from "./store.ts";

export interface Theme {
  text: string;
  soft: string;
  surface: string;
  line: string;
  track: string;
  focus: string;
  onSolid: string;
  state: Record<State, string>;
}

export function readTheme(): Theme {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    text: of("text"),
    soft: of("soft"),
    surface: of("surface"),
    line: of("line"),
    track: of("track"),
    focus: of("focus"),
    onSolid: of("on-solid"),
    state: {
      new: of("new"),
      ready: of("ready"),
      booting: of("booting"),
      loading: of("loading"),
      installing: of("installing"),
      installed: of("installed"),
      failed: of("failed"),
      ignored: of("ignored"),
    },
  };
}

const steps = 24; // of a ring

export class Painter {
  private sprites = new Map<string, HTMLCanvasElement>();

  constructor(
    private readonly theme: Theme,
    private readonly size: number,
    private readonly scale: number,
  ) {}

  sprite(state: State, percent: number): HTMLCanvasElement {
    const step = running.has(state) ? Math.round((percent * steps) / 100) : 0;
    const key = `${state}${step}`;
    let picture = this.sprites.get(key);
    if (picture === undefined) {
      picture = this.make(state, step / steps);
      this.sprites.set(key, picture);
    }
    return picture;
  }

  private make(state: State, part: number): HTMLCanvasElement {
    const { theme, size: s } = this;
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = Math.ceil(s * this.scale);
    const g = canvas.getContext("2d")!;
    g.scale(canvas.width / s, canvas.height / s);
    const colour = theme.state[state];
    const corner = s * 0.2;
    const box = (inset: number) => {
      g.beginPath();
      g.roundRect(inset, inset, s - 2 * inset, s - 2 * inset, corner);
    };
    const glyph = (ink: string, part = 0.7) => {
      g.fillStyle = ink;
      g.font = `600 ${Math.round(s * part)}px ui-sans-serif, system-ui, sans-serif`;
      g.textAlign = "center";
      g.textBaseline = "middle";
      g.fillText(mark[state], s / 2, s / 2 + s * 0.05);
    };
    switch (state) {
      case "installed":
      case "failed":
        g.fillStyle = colour;
        box(0);
        g.fill();
        if (s >= 11) this.stroke(g, state, theme.onSolid);
        else if (state === "failed") this.stroke(g, state, theme.onSolid);
        break;
      case "booting":
      case "loading":
      case "installing": {
        g.fillStyle = colour;
        g.globalAlpha = 0.16;
        box(0);
        g.fill();
        const thick = Math.max(1.6, s * 0.15);
        const radius = s / 2 - thick / 2 - s * 0.06;
        g.lineWidth = thick;
        g.strokeStyle = colour;
        g.globalAlpha = 0.32;
        g.beginPath();
        g.arc(s / 2, s / 2, radius, 0, 2 * Math.PI);
        g.stroke();
        g.globalAlpha = 1;
        if (part > 0) {
          g.lineCap = part < 1 ? "round" : "butt";
          g.beginPath();
          g.arc(s / 2, s / 2, radius, -Math.PI / 2, -Math.PI / 2 + 2 * Math.PI * part);
          g.stroke();
        }
        if (s >= 13) glyph(colour, s >= 20 ? 0.5 : 0.48);
        else {
          // Too small for a letter: a dot, a bar, a square stand for the three.
          g.fillStyle = colour;
          const c = s / 2;
          if (state === "booting") g.fillRect(c - 0.8, c - 0.8, 1.6, 1.6);
          else if (state === "loading") g.fillRect(c - 0.6, c - 1.8, 1.2, 3.6);
          else g.fillRect(c - 1.5, c - 1.5, 3, 3);
        }
        break;
      }
      case "ready":
        g.fillStyle = colour;
        g.globalAlpha = 0.3;
        box(0);
        g.fill();
        g.globalAlpha = 1;
        g.fillRect(s * 0.3, s / 2 - Math.max(0.6, s * 0.05), s * 0.4, Math.max(1.2, s * 0.1));
        break;
      case "new":
      case "ignored":
        g.strokeStyle = colour;
        g.lineWidth = Math.max(1, s * 0.07);
        if (state === "new") g.setLineDash([s * 0.16, s * 0.12]);
        box(g.lineWidth / 2);
        g.stroke();
        g.setLineDash([]);
        if (state === "ignored") {
          g.beginPath();
          g.moveTo(s * 0.25, s * 0.75);
          g.lineTo(s * 0.75, s * 0.25);
          g.stroke();
        } else if (s >= 11) glyph(colour, 0.62);
        break;
    }
    return canvas;
  }

  private stroke(g: CanvasRenderingContext2D, state: State, ink: string): void {
    const s = this.size;
    g.strokeStyle = ink;
    g.lineWidth = Math.max(1.2, s * 0.12);
    g.lineCap = g.lineJoin = "round";
    g.beginPath();
    if (state === "installed") {
      g.moveTo(s * 0.28, s * 0.53);
      g.lineTo(s * 0.44, s * 0.69);
      g.lineTo(s * 0.73, s * 0.34);
    } else {
      g.moveTo(s * 0.31, s * 0.31);
      g.lineTo(s * 0.69, s * 0.69);
      g.moveTo(s * 0.69, s * 0.31);
      g.lineTo(s * 0.31, s * 0.69);
    }
    g.stroke();
  }

  paint(
    g: CanvasRenderingContext2D,
    layout: Layout,
    top: number,
    height: number,
    width: number,
    look: { selected: string; cursor: string; focused: boolean; matches: (node: MachineNode) => boolean },
  ): void {
    const { theme } = this;
    g.setTransform(this.scale, 0, 0, this.scale, 0, 0);
    g.clearRect(0, 0, width, height);
    g.translate(0, -top);
    for (const rack of layout.racks) {
      if (rack.y > top + height || rack.y + rack.height < top) continue;
      this.frame(g, rack);
      for (let i = 0; i < rack.nodes.length; ++i) {
        const node = rack.nodes[i]!;
        const { x, y } = cellAt(layout, rack, i);
        if (y > top + height || y + layout.cell < top) continue;
        const full = look.matches(node);
        if (!full) g.globalAlpha = 0.12;
        g.drawImage(this.sprite(node.state, node.stage_percent), x, y, layout.cell, layout.cell);
        if (!full) g.globalAlpha = 1;
        const isCursor = look.focused && node.name === look.cursor;
        if (isCursor || node.name === look.selected) {
          g.strokeStyle = isCursor ? theme.focus : theme.text;
          g.lineWidth = 2;
          g.beginPath();
          g.roundRect(x - 2, y - 2, layout.cell + 4, layout.cell + 4, layout.cell * 0.25);
          g.stroke();
        }
      }
    }
  }

  private frame(g: CanvasRenderingContext2D, rack: Rack): void {
    const { theme } = this;
    g.fillStyle = theme.surface;
    g.strokeStyle = theme.line;
    g.lineWidth = 1;
    g.beginPath();
    g.roundRect(rack.x + 0.5, rack.y + 0.5, rack.width - 1, rack.height - 1, 5);
    g.fill();
    g.stroke();
    let done = 0;
    let failed = 0;
    for (const node of rack.nodes) {
      if (node.state === "installed") ++done;
      else if (node.state === "failed") ++failed;
    }
    const y = rack.y + titleHeight / 2 + 3;
    g.font = "600 11px ui-sans-serif, system-ui, sans-serif";
    g.textBaseline = "middle";
    g.textAlign = "right";
    const right = failed > 0 ? `✕ ${failed}` : `${done}/${rack.nodes.length}`;
    const rightWidth = g.measureText(right).width;
    g.fillStyle = failed > 0 ? theme.state.failed : theme.soft;
    g.font = failed > 0 ? g.font : "400 11px ui-sans-serif, system-ui, sans-serif";
    g.fillText(right, rack.x + rack.width - 7, y);
    g.font = "600 11px ui-sans-serif, system-ui, sans-serif";
    g.textAlign = "left";
    g.fillStyle = theme.text;
    let name = rack.name;
    const room = rack.width - rightWidth - 18;
    if (g.measureText(name).width > room) {
      while (name.length > 1 && g.measureText(`${name}…`).width > room) name = name.slice(0, -1);
      name += "…";
    }
    g.fillText(name, rack.x + 7, y);
  }
}
