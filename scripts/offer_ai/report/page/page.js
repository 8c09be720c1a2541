// The page: what is chosen, the answers at the top, and each figure with its table.

const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const DAY_MS = 86400000;
const FIRST = Date.parse(data.first_day || "2000-01-01");
const LAST = data.days - 1;
const REGIONS = new Intl.DisplayNames(["en"], { type: "region", fallback: "code" });

const isoDay = (day) => new Date(FIRST + day * DAY_MS).toISOString().slice(0, 10);
const dayOf = (text) => Math.round((Date.parse(text) - FIRST) / DAY_MS);
const longDay = (day) => new Date(FIRST + day * DAY_MS).toLocaleDateString("en-GB",
  { weekday: "short", day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const number = (digits) => new Intl.NumberFormat("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const MONEY = number(2), COUNT = number(0), NUMBER = number(3), PERCENT = number(2);
const FORMAT = { day: isoDay, money: (x) => MONEY.format(x), count: (x) => COUNT.format(x),
  number: (x) => NUMBER.format(x), percent: (x) => `${PERCENT.format(100 * x)} %` };
const shown = (value, format) => (value === null || value === undefined ? "–" : format ? FORMAT[format](value) : String(value));

/** A block of columns as rows. */
function table(block) {
  const names = Object.keys(block);
  return (block[names[0]] || []).map((_, i) => Object.fromEntries(names.map((name) => [name, block[name][i]])));
}

function countryName(code) {
  if (code === "unknown" || code === "other") return `${code} country`;
  try { return REGIONS.of(code); } catch { return code; }
}

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

const parts = new Map(); // by figure: its elements, its rows, its view
let sel = { from: 0, to: 0, country: null };

function build(one) {
  const box = element("figure", undefined, { id: `figure-${one.id}`, class: one.chart ? "charted" : "wide" });
  box.append(element("h3", one.title), element("p", one.says instanceof Function ? one.says(data) : one.says, { class: "says" }));
  const missing = element("p", undefined, { class: "missing" });
  const chart = element("div", undefined, { class: "chart" });
  const more = element("details");
  more.append(element("summary", `Table: ${one.title}`));
  const holder = element("div", undefined, { class: "scrolls", tabindex: "0", role: "region",
    "aria-label": `Table: ${one.title}` });
  more.append(holder);
  box.append(missing);
  if (one.chart) box.append(chart);
  else more.open = true;
  box.append(more);
  byId(`section-${one.section}`).append(box);
  const part = { one, missing, chart, more, holder, rows: [], view: null };
  more.addEventListener("toggle", () => fillTable(part));
  parts.set(one.id, part);
}

function fillTable({ one, more, holder, rows }) {
  if (!more.open) { holder.replaceChildren(); return; }
  const made = element("table"), head = element("tr");
  for (const column of one.columns) {
    head.append(element("th", column.label, { scope: "col", ...(column.format && column.format !== "day" ? { class: "number" } : {}) }));
  }
  const body = element("tbody");
  for (const row of rows) {
    const line = element("tr");
    for (const column of one.columns) {
      line.append(element("td", shown(row[column.key], column.format),
        column.format && column.format !== "day" ? { class: "number" } : {}));
    }
    body.append(line);
  }
  const top = element("thead");
  top.append(head);
  made.append(top, body);
  holder.replaceChildren(made);
}

async function update(part) {
  const { one } = part;
  part.rows = data.days ? one.rows(data, sel) : one.fixed ? one.rows(data, sel) : [];
  const isEmpty = !part.rows.length;
  part.missing.textContent = isEmpty ? one.missing : "";
  part.missing.hidden = !isEmpty;
  part.chart.hidden = isEmpty;
  part.more.hidden = isEmpty;
  fillTable(part);
  if (!one.chart || isEmpty) return;
  const rows = part.rows.map((row) => (row.day === undefined ? { ...row } : { ...row, date: isoDay(row.day) }));
  const marks = table(data.steps).filter((step) => step.step === "promoted" && step.at)
    .map((step) => ({ date: step.at.slice(0, 10), model: step.model }))
    .filter((step) => dayOf(step.date) >= sel.from && dayOf(step.date) <= sel.to);
  if (part.view !== null && !one.chart.marked) {
    if (one.chart.perRow) part.view.height(one.chart.perRow * rows.length);
    await part.view.data("rows", rows).resize().runAsync();
    return;
  }
  if (part.view !== null) part.view.finalize();
  part.view = await draw(part.chart, one, rows, marks);
}

function answer(id, big, small, mood) {
  const box = byId(`answer-${id}`);
  box.querySelector(".big").textContent = big;
  box.querySelector(".small").textContent = small;
  box.dataset.mood = mood || "";
}

/** The four questions that the page answers first. */
function answers() {
  const where = sel.country === null ? "all countries" : countryName(sel.country);
  const failed = table(data.checks).filter((check) => !check.is_ok);
  const checks = data.checks.name.length;
  answer("data", failed.length ? `${failed.length} of ${checks} checks warn` : `All ${checks} checks pass`,
    failed.length ? `Not so: ${failed.map((check) => check.name.toLowerCase()).join("; ")}. More below.`
      : `Newest event: ${data.facts.newest_event_at || "none"} UTC`, failed.length ? "bad" : "good");
  if (!data.days) {
    answer("revenue", "Nothing yet", "No event has landed: set OFFER_AI_EVENTS and run make build.");
    answer("offer", "Nothing yet", "No offer has been shown.");
    answer("policy", "Nothing yet", "No decision has landed.");
    return;
  }
  const day = Math.min(sel.to, data.whole_day);
  if (day < sel.from) {
    answer("revenue", "No whole day yet", "The day of the newest events is not over.");
  } else {
    const of = (d) => byDay(data.activity, { ...sel, from: d, to: d }, ["revenue"])[0].revenue;
    answer("revenue", MONEY.format(of(day)), `${longDay(day)}, ${where}${
      day >= 7 ? `; a week before: ${MONEY.format(of(day - 7))}` : ""}`);
  }
  const top = best(parts.get("offers").rows, 100);
  if (top) {
    answer("offer", top.offer, `${MONEY.format(top.value)} per offer in 7 days (${MONEY.format(top.low)} to ${
      MONEY.format(top.high)}), ${COUNT.format(top.mature)} offers, ${where}`);
  } else {
    answer("offer", "Not known yet", "No offer of these days was shown 100 times and is 7 days old.");
  }
  const lifts = parts.get("lift").rows, together = lifts.find((row) => row.policy === TOGETHER);
  if (!together) {
    answer("policy", "Not known yet", lifts.length
      ? "No decision of these days by a promoted policy is 7 days old." : parts.get("lift").one.missing);
  } else if (together.low === null) {
    answer("policy", "Not known yet", `All promoted policies: ${together.why}.`);
  } else {
    const mood = together.why ? "" : together.low > 0 ? "good" : together.high < 0 ? "bad" : "";
    answer("policy", { good: "Yes", bad: "No, it earns less" }[mood] || "Not sure yet",
      `All promoted policies: ${MONEY.format(together.lift)} more per player than the holdout (${
        MONEY.format(together.low)} to ${MONEY.format(together.high)}), ${where}${
        together.why ? `; ${together.why}` : ""}`, mood);
  }
}

async function choose(change) {
  sel = { ...sel, ...change };
  if (sel.from > sel.to) [sel.from, sel.to] = [sel.to, sel.from];
  byId("from").value = isoDay(sel.from);
  byId("to").value = isoDay(sel.to);
  byId("choice").textContent = data.days ? `${isoDay(sel.from)} to ${isoDay(sel.to)}, ${
    sel.country === null ? "all countries" : countryName(sel.country)}` : "no event has landed yet";
  document.body.dataset.ready = "no";
  await Promise.all([...parts.values()].map(update));
  answers();
  document.body.dataset.ready = "yes";
}

function start() {
  for (const one of FIGURES) build(one);
  for (const country of data.countries) byId("country").append(element("option", countryName(country), { value: country }));
  for (const [id, day] of [["from", 0], ["to", LAST]]) {
    const input = byId(id);
    if (data.days) { input.min = isoDay(0); input.max = isoDay(LAST); }
    input.addEventListener("change", () => {
      const chosen = input.value ? Math.min(Math.max(dayOf(input.value), 0), LAST) : day;
      choose({ [id]: chosen });
    });
  }
  byId("country").addEventListener("change", (event) => choose({ country: event.target.value || null }));
  const end = Math.max(Math.min(data.whole_day, LAST), 0);
  for (const button of document.querySelectorAll("button[data-days]")) {
    const days = Number(button.dataset.days);
    button.addEventListener("click", () => choose(days ? { from: Math.max(end - days + 1, 0), to: end } : { from: 0, to: Math.max(LAST, 0) }));
  }
  return choose({ from: Math.max(end - 27, 0), to: end });
}

const offerAI = { data, choose, rows: (id) => parts.get(id).rows, choice: () => sel };
window.offerAI = offerAI;
start();
