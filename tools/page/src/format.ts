export function bytes(count: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (count >= 1024 && unit < units.length - 1) {
    count /= 1024;
    ++unit;
  }
  return `${count.toFixed(unit > 0 && count < 100 ? 1 : 0)} ${units[unit]}`;
}

/// A network's rate, in bits as links are named.
export function rate(bytesPerSecond: number): string {
  let bits = bytesPerSecond * 8;
  const units = ["bit/s", "kbit/s", "Mbit/s", "Gbit/s"];
  let unit = 0;
  while (bits >= 1000 && unit < units.length - 1) {
    bits /= 1000;
    ++unit;
  }
  return `${bits.toFixed(unit > 0 && bits < 100 ? 1 : 0)} ${units[unit]}`;
}

export function duration(ms: number): string {
  const s = ms / 1000;
  if (s < 0) return "now";
  if (s < 1) return `${Math.round(ms)} ms`;
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 60) return `${Math.round(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${Math.round(s % 60)} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

export function age(since: number, now: number): string {
  return since === 0 ? "" : duration(Math.max(0, now - since));
}

const two = (n: number) => String(n).padStart(2, "0");

/// The time of day here; with the date if it is not today.
export function clock(ms: number): string {
  const at = new Date(ms);
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  const today = new Date();
  return at.toDateString() === today.toDateString()
    ? time
    : `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
}

export const count = (n: number) => n.toLocaleString("en-US").replaceAll(",", "\u202f");
