// Sums over the rows of a block that lie in the chosen days and country, and intervals.

/** Indexes of a block's rows in sel: {from, to, country}; days count from data.first_day. */
function* picked(block, sel) {
  for (let i = 0; i < block.day.length; i++) {
    if (block.day[i] < sel.from || block.day[i] > sel.to) continue;
    if (sel.country !== null && block.country && block.country[i] !== sel.country) continue;
    yield i;
  }
}

/** Rows of a block summed by keys (names of columns): [{...keys, ...sums}], in the order met. */
function sumBy(block, sel, keys, sums) {
  const groups = new Map();
  for (const i of picked(block, sel)) {
    const id = keys.map((key) => block[key][i]).join("\u0000");
    let row = groups.get(id);
    if (!row) {
      row = {};
      for (const key of keys) row[key] = block[key][i];
      for (const sum of sums) row[sum] = 0;
      groups.set(id, row);
    }
    for (const sum of sums) row[sum] += block[sum][i];
  }
  return [...groups.values()];
}

/** By day, in order, with a row for each chosen day. */
function byDay(block, sel, sums) {
  const found = new Map(sumBy(block, sel, ["day"], sums).map((row) => [row.day, row]));
  const rows = [];
  for (let day = sel.from; day <= sel.to; day++) {
    rows.push(found.get(day) || { day, ...Object.fromEntries(sums.map((sum) => [sum, 0])) });
  }
  return rows;
}

const ratio = (a, b) => (b ? a / b : null);
const Z = 1.959963984540054;

/** Wilson's interval of a share k / n: [low, high]. */
function shareInterval(k, n) {
  if (!n) return [null, null];
  const p = k / n, z2 = (Z * Z) / n;
  const middle = (p + z2 / 2) / (1 + z2);
  const half = (Z * Math.sqrt((p * (1 - p)) / n + z2 / (4 * n))) / (1 + z2);
  return [middle - half, middle + half];
}

/** The normal interval of a mean, from n, the sum s1 and the sum of squares s2. */
function meanInterval(n, s1, s2) {
  if (n < 2) return [null, null];
  const mean = s1 / n;
  const error = Math.sqrt(Math.max(s2 - n * mean * mean, 0) / (n * (n - 1)));
  return [mean - Z * error, mean + Z * error];
}

// The rest is what marts.policy_lift does, with its sources (macros/estimates).

/** Moments of one arm from sums of powers: mean, variance and third moment of the mean, df. */
function moments({ users: n, s1, s2, s3, s4 }) {
  const mean = s1 / n;
  const m2 = Math.max(s2 - n * mean ** 2, 0);
  const m3 = s3 - 3 * mean * s2 + 2 * n * mean ** 3;
  const m4 = Math.max(s4 - 4 * mean * s3 + 6 * mean ** 2 * s2 - 3 * n * mean ** 4, 0);
  return {
    users: n, mean, variance: m2 / (n * (n - 1)), third: m3 / n ** 3,
    df: m2 > 0 ? Math.min(n - 1, (2 * n) / Math.max((n * m4) / m2 ** 2 - 1, 1e-9)) : null,
  };
}

function tQuantile(df) {
  return Z + (Z ** 3 + Z) / 4 / df + (5 * Z ** 5 + 16 * Z ** 3 + 3 * Z) / 96 / df ** 2
    + (3 * Z ** 7 + 19 * Z ** 5 + 17 * Z ** 3 - 15 * Z) / 384 / df ** 3;
}

function unskewed(x, g) {
  if (Math.abs(g) < 1e-4) return x - g / 6 - (g * (x - g / 6) ** 2) / 3;
  return (3 / g) * (Math.cbrt(1 + g * (x - g / 6)) - 1);
}

/** The lift of one arm over another, of sums: {lift, low, high, why}; `why` speaks against it. */
function lift(policy, holdout, limits) {
  if (!policy || !holdout) {
    return { lift: null, low: null, high: null, why: policy
      ? "no user of the holdout has a mature decision: without a holdout_share none will"
      : "no user of the policy's arm has a mature decision" };
  }
  const a = moments(policy), b = moments(holdout);
  const value = a.mean - b.mean, variance = a.variance + b.variance;
  const df = variance ** 2 / (a.variance ** 2 / a.df + b.variance ** 2 / b.df);
  const none = { lift: value, low: null, high: null };
  if (Math.min(a.users, b.users) < limits.min_users) {
    return { ...none, why: `fewer than ${limits.min_users} users in an arm: no interval` };
  }
  // Of an arm in which nothing varies df is null, which would divide as 0.
  if (a.df === null || b.df === null) {
    return { ...none, why: "nothing varies between users of an arm: no interval" };
  }
  const t = tQuantile(df), error = Math.sqrt(variance), skewness = (a.third - b.third) / variance ** 1.5;
  return { lift: value, low: value - error * unskewed(t, skewness),
    high: value - error * unskewed(-t, skewness),
    why: df < limits.min_degrees_of_freedom
      ? "a few users make nearly all of the variance: the interval may not cover" : null };
}
