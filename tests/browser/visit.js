// visit.js CHROMIUM PAGE [DIRECTORY]: opens a page at the width of a phone and of a desk, in light and dark, and prints as
// JSON what a visitor meets. With DIRECTORY, screenshots go there.
"use strict";
const path = require("path");
const { createRequire } = require("module");
const installed = createRequire(path.join(process.cwd(), "build/browser/package.json"));
const { chromium } = installed("playwright-core");

const [executablePath, page, directory] = process.argv.slice(2);
const VIEWS = [
  { name: "phone", viewport: { width: 360, height: 740 }, colorScheme: "light" },
  { name: "phone-dark", viewport: { width: 360, height: 740 }, colorScheme: "dark" },
  { name: "desk", viewport: { width: 1440, height: 900 }, colorScheme: "light" },
  { name: "desk-dark", viewport: { width: 1440, height: 900 }, colorScheme: "dark" },
];

const MOST_TABS = 60;

const tip = (tab) => tab.evaluate(() => { const t = document.getElementById("tip"); return t.hidden ? null : t.textContent; });

// The largest mark, and what is shown while one points at it.
async function pointAt(tab, picture) {
  const marks = tab.locator("figure div:visible svg .mark").and(tab.locator(`[id^="${picture}-"]`));
  const areas = await marks.evaluateAll((all) => all.map((m) => { const b = m.getBoundingClientRect(); return b.width * b.height; }));
  const largest = areas.lastIndexOf(Math.max(...areas));
  await marks.nth(largest).scrollIntoViewIfNeeded();
  await marks.nth(largest).hover({ force: true });
  const shown = await tip(tab);
  await tab.mouse.move(0, 0);
  const labels = await marks.evaluateAll((all) => all.map((m) => m.getAttribute("aria-label")));
  return { labels, label: labels[largest], shown, after: await tip(tab) };
}

async function useKeys(tab) {
  const said = [];
  const label = () => tab.evaluate(() => document.activeElement.getAttribute("aria-label"));
  for (let tabs = 0; tabs < MOST_TABS; tabs++) {
    await tab.keyboard.press("Tab");
    if (await tab.evaluate(() => document.activeElement.classList.contains("mark"))) break;
  }
  for (const key of ["ArrowRight", "ArrowLeft", "End", "Home"]) {
    await tab.keyboard.press(key);
    said.push({ key, label: await label(), shown: await tip(tab) });
  }
  await tab.keyboard.press("Escape");
  said.push({ key: "Escape", label: await label(), shown: await tip(tab) });
  await tab.keyboard.press("Tab");
  said.push({ key: "Tab", label: await label(), shown: await tip(tab) });
  return said;
}

const tables = (tab) => tab.evaluate(() => Object.fromEntries([...document.querySelectorAll("table[id]")].map((table) =>
  [table.id, [...table.tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.textContent.trim()))])));

const figures = (tab) => tab.evaluate(() => Object.fromEntries([...document.querySelectorAll("dd[id]")].map((dd) =>
  [dd.id, dd.firstChild.textContent.trim()])));

async function faults(tab) {
  await tab.addScriptTag({ path: installed.resolve("axe-core") });
  const found = await tab.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  return found.violations.map((v) => ({ id: v.id, impact: v.impact, help: v.help, nodes: v.nodes.slice(0, 3).map((n) => n.html.slice(0, 200)) }));
}

async function visit(browser, view) {
  const context = await browser.newContext({ viewport: view.viewport, colorScheme: view.colorScheme });
  const tab = await context.newPage();
  const complaints = [], requests = [];
  tab.on("console", (message) => { if (["error", "warning"].includes(message.type())) complaints.push(message.text()); });
  tab.on("pageerror", (error) => complaints.push(String(error)));
  tab.on("request", (request) => requests.push(request.url()));
  const began = Date.now();
  await tab.goto(`file://${path.resolve(page)}`, { waitUntil: "load" });
  const milliseconds = Date.now() - began;
  const keys = await useKeys(tab);
  const hovers = {};
  for (const picture of ["front", "memory", "network"]) hovers[picture] = await pointAt(tab, picture);
  const overflow = await tab.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (directory) await tab.screenshot({ path: path.join(directory, `${view.name}.png`), fullPage: true });
  const [rows, numbers] = [await tables(tab), await figures(tab)];
  await tab.evaluate(() => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
  const seen = { milliseconds, requests, hovers, keys, overflow, tables: rows, figures: numbers, axe: await faults(tab), complaints };
  if (directory && view.name === "desk") {
    await tab.evaluate(() => document.querySelectorAll("details").forEach((d) => { d.open = false; }));
    await tab.pdf({ path: path.join(directory, "print.pdf"), format: "A4" });
  }
  await context.close();
  return seen;
}

(async () => {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  const seen = {};
  for (const view of VIEWS) seen[view.name] = await visit(browser, view);
  await browser.close();
  console.log(JSON.stringify(seen));
})().catch((error) => { console.error(String(error)); process.exit(1); });
