// SPDX-License-Identifier: Apache-2.0
// The page at `/`: one self-contained document that asks the API once a second.
#include "core/control/api.hh"

namespace muster {
namespace {

constexpr std::string_view page_text = R"html(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>muster</title>
<style>
:root { color-scheme: light dark; --ink: #1c2126; --soft: #68727d; --line: #dde2e7; --bar: #e8ecf0;
  --back: #fff; --run: #2f6fde; --good: #23854a; --bad: #c33b3b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ec; --soft: #94a0ab; --line: #30373e;
  --bar: #2a3138; --back: #16191d; --run: #6ea2ff; --good: #5cc287; --bad: #ff7b7b; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 78rem; padding: 1.5rem; background: var(--back); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: .3rem 1.5rem; align-items: baseline; }
h1 { font-size: 1.3rem; margin: 0; }
#summary, footer, th { color: var(--soft); }
#trouble { color: var(--bad); }
table { width: 100%; border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th { font-weight: 500; }
td.message { color: var(--soft); overflow-wrap: anywhere; }
.bar { display: inline-block; width: 8rem; height: .55rem; margin-right: .6rem; border-radius: .3rem;
  background: var(--bar); overflow: hidden; }
.bar i { display: block; height: 100%; background: var(--run); transition: width .5s; }
.installed { color: var(--good); } .failed { color: var(--bad); }
.booting, .loading, .installing { color: var(--run); }
</style>
</head>
<body>
<header><h1>muster</h1><span id="summary"></span><span id="trouble" role="status"></span>
<form id="login" hidden><label>token <input type="password" name="token" autocomplete="off"></label>
<button>show</button></form></header>
<table>
<thead><tr><th>node</th><th>address</th><th>profile</th><th>state</th><th>progress</th>
<th>attempt</th><th>since</th><th></th></tr></thead>
<tbody id="nodes"></tbody>
</table>
<footer><a href="/api/v1/nodes">nodes</a> · <a href="/api/v1/events">events</a> ·
<a href="/api/v1/leases">leases</a> · <a href="/metrics">metrics</a></footer>
<script>
"use strict";
const body = document.getElementById("nodes");
const summary = document.getElementById("summary");
const trouble = document.getElementById("trouble");
const login = document.getElementById("login");
const running = ["booting", "loading", "installing"];

function size(bytes) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (bytes >= 1024 && unit < units.length - 1) { bytes /= 1024; ++unit; }
  return bytes.toFixed(unit && bytes < 100 ? 1 : 0) + " " + units[unit];
}
function age(ms) {
  const s = Math.max(0, Math.round((Date.now() - ms) / 1000));
  if (!ms) return "";
  if (s < 60) return s + " s";
  if (s < 3600) return Math.floor(s / 60) + " min";
  if (s < 86400) return Math.floor(s / 3600) + " h";
  return Math.floor(s / 86400) + " d";
}
function cell(row, text, className) {
  const td = row.insertCell();
  td.textContent = text;
  if (className) td.className = className;
  return td;
}
function progress(td, node) {
  if (!running.includes(node.state)) return;
  const bar = document.createElement("span");
  bar.className = "bar";
  const fill = document.createElement("i");
  fill.style.width = node.stage_percent + "%";
  bar.append(fill);
  const served = node.bytes_served ? ", " + size(node.bytes_served) : "";
  td.append(bar, node.stage_percent + " %" + served);
}
function show(nodes) {
  const rows = document.createDocumentFragment();
  const counts = {};
  for (const node of nodes) {
    counts[node.state] = (counts[node.state] || 0) + 1;
    const row = document.createElement("tr");
    cell(row, node.name);
    cell(row, node.address);
    cell(row, node.profile);
    cell(row, node.state, node.state);
    progress(cell(row, ""), node);
    cell(row, node.attempt || "");
    cell(row, age(node.since_ms));
    cell(row, node.message, "message");
    rows.append(row);
  }
  body.replaceChildren(rows);
  const parts = Object.entries(counts).map(([state, count]) => count + " " + state);
  summary.textContent = nodes.length + " nodes" + (parts.length ? ": " + parts.join(", ") : "");
}
login.addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("token", new FormData(login).get("token"));
  login.hidden = true;
});
async function refresh() {
  try {
    const token = sessionStorage.getItem("token");
    const headers = token ? { Authorization: "Bearer " + token } : {};
    const answer = await fetch("/api/v1/nodes?limit=1000", { headers });
    if (answer.status === 401) {
      sessionStorage.removeItem("token");
      login.hidden = false;
      throw new Error("a token is wanted");
    }
    if (!answer.ok) throw new Error("the server answered " + answer.status);
    const page = await answer.json();
    show(page.nodes);
    trouble.textContent = page.next ? "only the first 1000 are shown" : "";
  } catch (error) {
    trouble.textContent = "no news: " + error.message;
  }
  setTimeout(refresh, 1000);
}
refresh();
</script>
</body>
</html>
)html";

} // namespace

std::string_view admin_page() noexcept {
    return page_text;
}

} // namespace muster
