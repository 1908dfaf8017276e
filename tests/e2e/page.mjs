// Looks at the page of a running musterd in a real Chromium, as an operator would: test_page.py
// starts both. Usage: node page.mjs URL SCREENSHOTS-FOLDER
// Prints one JSON object; exit status 1 with the reason when something is not as it should be.
import assert from "node:assert/strict";
import { chromium } from "../../tools/page/node_modules/playwright-core/index.mjs";

const [url, folder] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
const requests = new Set();
const troubles = [];
async function open(options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.on("request", (request) => requests.add(new URL(request.url()).origin));
  page.on("console", (message) => message.type() === "error" && troubles.push(message.text()));
  page.on("pageerror", (error) => troubles.push(String(error)));
  const answer = await page.goto(url);
  return { context, page, answer };
}
const shot = (page, name) => page.screenshot({ path: `${folder}/${name}.png` });
const counts = (page) =>
  page.$$eval(".chip", (chips) =>
    Object.fromEntries(
      chips.map((chip) => [chip.querySelector("span").textContent, Number(chip.querySelector("b").textContent.replace(/\D/g, ""))]),
    ),
  );
const fetchJson = (page, path, method = "GET") =>
  page.evaluate(async ([path, method]) => (await fetch(path, { method })).json(), [path, method]);

try {
  const { page, answer } = await open({ viewport: { width: 1440, height: 900 }, colorScheme: "dark" });
  const policy = answer.headers()["content-security-policy"];
  assert.match(policy, /default-src 'none'.*script-src 'sha256-/);
  const weight = (await answer.request().sizes()).responseBodySize;
  await page.waitForSelector(".connection.live");
  await page.waitForFunction(() => [...document.querySelectorAll(".chip b")].reduce((sum, b) => sum + Number(b.textContent.replace(/\D/g, "")), 0) >= 9750);

  // Every state shows, as the server counts them.
  const seen = {};
  for (let i = 0; i < 60 && Object.keys(seen).length < 8; ++i) {
    for (const [state, n] of Object.entries(await counts(page))) if (n > 0) seen[state] = n;
    await page.waitForTimeout(250);
  }
  assert.deepEqual(Object.keys(seen).sort(), ["booting", "failed", "ignored", "installed", "installing", "loading", "new", "ready"]);

  await shot(page, "racks-dark");

  // The storm.
  await page.keyboard.press("2");
  await page.waitForSelector(".plot canvas");
  await page.waitForSelector(".columns table");
  await page.waitForTimeout(1500);
  await shot(page, "storm-dark");
  await page.keyboard.press("1");

  // A change is seen without being asked for: an order by somebody else.
  await page.fill("input[type=search]", "r240n05");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await page.goto(`${url}#/nodes/r240n05`);
  await page.waitForSelector(".panel .state.ready");
  await fetchJson(page, "api/v1/nodes/r240n05/ignore", "POST");
  await page.waitForSelector(".panel .state.ignored");

  // An order asks first and says what it wipes; nothing happens until it is confirmed.
  const done = (await fetchJson(page, "api/v1/nodes?state=installed&limit=1")).nodes[0].name;
  await page.goto(`${url}#/racks/${done}`);
  await page.waitForSelector(".panel .state.installed");
  await page.waitForSelector(".panel .boot li, .panel .attempt");
  await shot(page, "node-dark");
  await page.click(".orders .danger");
  await page.waitForSelector("dialog .wipe");
  assert.match(await page.textContent("dialog .wipe"), new RegExp(`overwritten:.*${done}`));
  await shot(page, "order-dark");
  await page.click("dialog footer button:first-child");
  assert.equal((await fetchJson(page, `api/v1/nodes/${done}`)).state, "installed");
  await page.click(".orders .danger");
  await page.click("dialog footer .danger:not(:disabled)");
  await page.waitForSelector(".panel .state.ready");
  assert.equal((await fetchJson(page, `api/v1/nodes/${done}`)).state, "ready");

  // What it would get, with its own name in it.
  await page.click(".panel [role=tab]:nth-child(2)");
  await page.waitForSelector(".files pre");
  await page.click(".files .names button:text('install.conf')");
  assert.match(await page.textContent(".files pre"), new RegExp(done));

  // Keyboard alone: search, move, open, close; failed ones in turn.
  await page.keyboard.press("Escape");
  await page.keyboard.press("1");
  await page.keyboard.press("n");
  await page.waitForSelector(".panel .state.failed");
  await page.keyboard.press("Escape");
  await page.focus(".scroller");
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowRight");
  const label = await page.getAttribute(".scroller", "aria-label");
  assert.match(label, /^\S+, \w+/);
  await page.keyboard.press("Enter");
  await page.waitForSelector(".panel h2");
  assert.equal(await page.textContent(".panel h2"), label.split(",")[0]);
  await page.keyboard.press("Escape");

  // The other views.
  for (const [key, name, wanted] of [
    ["3", "nodes", ".list .row.link"],
    ["4", "leases", ".list .row b"],
    ["5", "profiles", ".card"],
    ["6", "events", ".list .row.link"],
  ]) {
    await page.evaluate(() => document.activeElement?.blur());
    await page.keyboard.press(key);
    await page.waitForSelector(wanted);
    await shot(page, `${name}-dark`);
  }

  // How long from a key or click to the drawn frame, with ten thousand machines and news coming in.
  await page.keyboard.press("1");
  await page.waitForSelector(".scroller canvas");
  const times = await page.evaluate(async () => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    const measured = [];
    const measure = async (act) => {
      const began = performance.now();
      act();
      await frame();
      measured.push(performance.now() - began);
      await new Promise((resolve) => setTimeout(resolve, 30));
    };
    const chips = [...document.querySelectorAll(".chip")];
    const search = document.querySelector("input[type=search]");
    const type = (text) => {
      search.value = text;
      search.dispatchEvent(new InputEvent("input", { bubbles: true }));
    };
    const scroller = document.querySelector(".scroller");
    for (let round = 0; round < 6; ++round) {
      for (const chip of chips) {
        await measure(() => chip.click());
        await measure(() => chip.click());
      }
      for (const text of ["r", "r1", "r10", ""]) await measure(() => type(text));
      scroller.focus();
      for (const key of ["ArrowRight", "ArrowDown", "End", "Home"]) {
        await measure(() => scroller.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true })));
      }
      await measure(() => (scroller.scrollTop += 400));
    }
    return measured;
  });
  times.sort((a, b) => a - b);
  const at = (part) => Math.round(times[Math.min(times.length - 1, Math.floor(times.length * part))] * 10) / 10;

  // Light, and as wide as a phone: nothing sticks out.
  const light = await open({ viewport: { width: 1440, height: 900 }, colorScheme: "light" });
  await light.page.waitForSelector(".connection.live");
  await light.page.waitForTimeout(1200);
  await shot(light.page, "racks-light");
  await light.context.close();
  const phone = await open({ viewport: { width: 390, height: 844 }, colorScheme: "dark", isMobile: true });
  await phone.page.waitForSelector(".connection.live");
  await phone.page.waitForTimeout(1200);
  await shot(phone.page, "racks-phone");
  for (const view of ["racks", "storm", "nodes", "profiles", `racks/${done}`]) {
    await phone.page.goto(`${url}#/${view}`);
    await phone.page.waitForTimeout(250);
    const width = await phone.page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 390, `${view} is ${width} wide on a phone`);
  }
  await shot(phone.page, "node-phone");
  await phone.context.close();

  assert.deepEqual([...requests].filter((origin) => origin !== "null"), [new URL(url).origin], "no request leaves the server");
  assert.deepEqual(troubles, []);
  console.log(JSON.stringify({ weight, interactions: times.length, p50_ms: at(0.5), p95_ms: at(0.95), max_ms: at(1), seen }));
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await browser.close();
}
