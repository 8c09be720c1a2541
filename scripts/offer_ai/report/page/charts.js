// Vega-Lite specifications. Series differ by colour and dash; all colours are the page's.

const INKS = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => `var(--series-${n})`);
const DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [10, 4], [4, 1], [1, 3], [12, 3, 3, 3]];
const FORMATS = { "%": ".1%", "": ",.4~r" };
const DATES = { field: "date", type: "temporal", title: null, scale: { type: "utc" },
  axis: { format: "%-d %b", labelOverlap: "greedy", labelSeparation: 8, tickCount: { interval: "day", step: 1 }, grid: false } };

const axis = (field, title, unit) => ({ field, type: "quantitative", title,
  axis: { format: FORMATS[unit || ""], tickCount: 5 } });
const tip = (field, title, unit) => ({ field, type: "quantitative", title, format: FORMATS[unit || ""] });

/** A line over days, or one for each value of `series`; `marked`: with a rule per promotion. */
function lines(y, series, title, unit, marked) {
  const encoding = { x: DATES, y: axis(y, title, unit) };
  const tooltip = [{ field: "date", type: "temporal", title: "Day", format: "%-d %b %Y" }, tip(y, title, unit)];
  if (series) {
    const by = (range) => ({ field: series, type: "nominal", scale: { range },
      legend: { title: null, orient: "top", columns: 2, symbolType: "stroke", symbolSize: 500 } });
    encoding.color = by(INKS);
    encoding.strokeDash = by(DASHES);
    tooltip.push({ field: series, type: "nominal", title: "Of" });
  }
  const mark = { type: "line", point: { filled: true, size: 30, opacity: 1 } };
  return { height: 220, marked, layer: [{ mark, encoding: { ...encoding, tooltip } }] };
}

/** A rule for each promotion. */
const MARKS = { data: { name: "marks" }, mark: { type: "rule", strokeDash: [2, 2], aria: false },
  encoding: { x: DATES, tooltip: [{ field: "model", title: "Promoted" }] } };

const dayBars = (y, title) => ({ height: 220, mark: { type: "bar", width: { band: 0.8 } }, encoding: {
  x: { ...DATES, timeUnit: { unit: "yearmonthdate", utc: true } },
  y: axis(y, title), tooltip: [{ field: "date", type: "temporal", title: "Day" }, tip(y, title)] } });

const NAMES = (field) => ({ field, type: "nominal", title: null, sort: null, axis: { labelLimit: 190 } });

const bars = (x, y, title, unit) => ({ perRow: 22, mark: { type: "bar" }, encoding: {
  x: axis(x, title, unit), y: NAMES(y), tooltip: [NAMES(y), tip(x, title, unit)] } });

/** A point and its interval for each name; `zeroed`: with a rule at zero. */
function ranges(name, value, low, high, title, unit, zeroed) {
  const tooltip = [{ field: name, title: null }, tip(value, title, unit), tip(low, "from", unit), tip(high, "to", unit)];
  const x = { ...axis(value, title, unit), scale: { zero: Boolean(zeroed) } };
  const layer = [
    { mark: { type: "rule", strokeWidth: 2, aria: false }, encoding: { x: { ...x, field: low }, x2: { field: high } } },
    { mark: { type: "point", filled: true, size: 60, opacity: 1 }, encoding: { x, tooltip } }];
  if (zeroed) layer.unshift({ mark: { type: "rule", strokeDash: [4, 3], aria: false }, encoding: { x: { datum: 0 }, y: null } });
  return { perRow: 22, encoding: { y: NAMES(name) }, layer };
}

const points = (x, y, xTitle, yTitle) => ({ height: 220, layer: [
  { mark: { type: "line", strokeDash: [4, 3] }, encoding: { x: axis(x, xTitle), y: axis(x, yTitle) } },
  { mark: { type: "point", filled: true, size: 60, opacity: 1 }, encoding: { x: axis(x, xTitle), y: axis(y, yTitle),
    tooltip: [tip(x, xTitle), tip(y, yTitle)] } }] });

const CONFIG = { background: "transparent", font: "system-ui, sans-serif",
  view: { stroke: null }, mark: { color: INKS[0] }, line: { color: INKS[0] }, bar: { color: INKS[0] },
  rule: { color: INKS[0] }, point: { color: INKS[0] },
  axis: { labelColor: "var(--ink)", titleColor: "var(--ink)", gridColor: "var(--rule)", domainColor: "var(--quiet)",
    tickColor: "var(--quiet)", labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal" },
  legend: { labelColor: "var(--ink)", labelFontSize: 12 } };

/** Draws a figure's rows in an element; returns its view. */
async function draw(element, one, rows, marks) {
  const { marked, perRow, ...chart } = one.chart;
  if (perRow) chart.height = perRow * rows.length;
  if (marked && marks.length) chart.layer = [...chart.layer, MARKS];
  const spec = { $schema: "https://vega.github.io/schema/vega-lite/v6.json", description: one.title,
    width: "container", autosize: { type: "fit-x", contains: "padding" }, config: CONFIG,
    data: { name: "rows" }, datasets: { rows, marks }, ...chart };
  const logLevel = 1; // errors alone
  const { view } = await vegaEmbed(element, spec, { actions: false, renderer: "svg", logLevel });
  return view;
}
