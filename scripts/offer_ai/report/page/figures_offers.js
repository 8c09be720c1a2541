// Figures of offers, of the policy, of features and the model.

const OFFER_SUMS = ["shown", "purchased", "mature", "s1", "s2"];

/** A group of offers with its take rate and its revenue per offer, with intervals. */
function worth(row) {
  const [takeLow, takeHigh] = shareInterval(row.purchased, row.shown);
  const [low, high] = meanInterval(row.mature, row.s1, row.s2);
  return { ...row, take: ratio(row.purchased, row.shown), take_low: takeLow, take_high: takeHigh,
    value: ratio(row.s1, row.mature), low, high };
}

/** Offers of the choice by keys, the one that earns most first. */
const offersBy = (data, sel, keys) => sumBy(data.offers, sel, keys, OFFER_SUMS).map(worth)
  .sort((a, b) => (b.value ?? -Infinity) - (a.value ?? -Infinity));

/** Of rows by offer, the one that earns most of those shown at least so often; null for none. */
const best = (rows, least) => rows.find((row) => row.mature >= least) || null;

const VALUE = [{ key: "mature", label: "Whose 7 days are over", format: "count" },
  { key: "value", label: "Revenue per offer", format: "money" },
  { key: "low", label: "From", format: "money" }, { key: "high", label: "To", format: "money" }];

figure({
  id: "offers", section: "offers", title: "Revenue per offer",
  says: "What a player spends in the 7 days from an offer, whatever on, by offer; with the 95 % normal interval over offers. Only offers whose 7 days are over count.",
  columns: [{ key: "offer", label: "Offer" }, { key: "shown", label: "Shown", format: "count" }, ...VALUE],
  missing: "No offer of these days is 7 days old.",
  chart: ranges("offer", "value", "low", "high", "Revenue per offer"),
  rows: (data, sel) => offersBy(data, sel, ["offer"]).filter((row) => row.mature),
});

figure({
  id: "takes", section: "offers", title: "Take rate",
  says: "Share of the offers shown that were bought, as the client saw it; with Wilson's 95 % interval.",
  columns: [{ key: "offer", label: "Offer" }, { key: "shown", label: "Shown", format: "count" },
    { key: "purchased", label: "Bought", format: "count" }, { key: "take", label: "Take rate", format: "percent" },
    { key: "take_low", label: "From", format: "percent" }, { key: "take_high", label: "To", format: "percent" }],
  missing: "No offer was shown in these days.",
  chart: ranges("offer", "take", "take_low", "take_high", "Take rate", "%"),
  rows: (data, sel) => offersBy(data, sel, ["offer"]),
});

figure({
  id: "countries", section: "offers", title: "The best offer of each country",
  says: "The offer with the greatest revenue per offer in each country, of those shown there at least 100 times. Where intervals overlap, another may be as good.",
  columns: [{ key: "name", label: "Country" }, { key: "offer", label: "Best offer" }, ...VALUE],
  missing: "In no country an offer of these days was shown 100 times and is 7 days old.",
  chart: ranges("label", "value", "low", "high", "Revenue per offer"),
  rows(data, sel) {
    const rows = offersBy(data, sel, ["country", "offer"]);
    return data.countries.map((country) => best(rows.filter((row) => row.country === country), 100))
      .filter((row) => row)
      .map((row) => ({ ...row, name: countryName(row.country), label: `${countryName(row.country)}: ${row.offer}` }));
  },
});

figure({
  id: "sign_in", section: "offers", title: "Revenue per offer by sign-in",
  says: "The same for players who signed in with Facebook and for others.",
  columns: [{ key: "offer", label: "Offer" }, { key: "sign_in", label: "Signed in with" }, ...VALUE],
  missing: "No offer of these days is 7 days old.",
  chart: ranges("label", "value", "low", "high", "Revenue per offer"),
  rows: (data, sel) => offersBy(data, sel, ["offer", "sign_in"]).filter((row) => row.mature)
    .map((row) => ({ ...row, label: `${row.offer}, ${row.sign_in}` }))
    .sort((a, b) => a.label.localeCompare(b.label)),
});

// The policy of marts.policy_lift that is all promoted ones: each alone is soon followed by the next.
const TOGETHER = "all-promoted";

figure({
  id: "lift", section: "policy", title: "What the policy earns beyond the holdout",
  says: "Revenue of the week from a player's first decision, in the policy's arm less in the holdout; with the 95 % interval of marts.policy_lift; all-promoted: over all policies that were promoted. Above zero all along: the policy earns more.",
  columns: [{ key: "policy", label: "Policy" }, { key: "users", label: "Players", format: "count" },
    { key: "held_out", label: "In the holdout", format: "count" },
    { key: "per_user", label: "Revenue per player", format: "money" },
    { key: "per_held_out", label: "In the holdout", format: "money" },
    { key: "lift", label: "Lift", format: "money" }, { key: "low", label: "From", format: "money" },
    { key: "high", label: "To", format: "money" }, { key: "why", label: "What speaks against it" }],
  missing: "No decision of these days with an arm is 7 days old: the service logs arms, and needs a holdout_share to have a holdout.",
  chart: ranges("policy", "lift", "low", "high", "Lift per player", "", true),
  rows(data, sel) {
    const sums = sumBy(data.arms, sel, ["policy", "arm"], ["users", "s1", "s2", "s3", "s4"]);
    return [...new Set(sums.map((row) => row.policy))].map((policy) => {
      const [made, held] = ["policy", "holdout"].map((arm) =>
        sums.find((row) => row.policy === policy && row.arm === arm));
      return { policy, users: made ? made.users : 0, held_out: held ? held.users : 0,
        per_user: made ? ratio(made.s1, made.users) : null,
        per_held_out: held ? ratio(held.s1, held.users) : null,
        ...lift(made, held, data.limits) };
    });
  },
});

figure({
  id: "decisions", section: "policy", title: "Explored and matched",
  says: "Explored: the offer is not the one that was likeliest, or several were. Match: a policy that was asked beside it would have made the same offer. Rules mark promotions.",
  columns: [DAY, { key: "kind", label: "Kind" }, { key: "decisions", label: "Of decisions", format: "count" },
    { key: "share", label: "Share", format: "percent" }],
  missing: "No decision of these days has logged each candidate's chance.",
  chart: lines("share", "kind", "Share of decisions", "%", true),
  rows: (data, sel) => byDay(data.decisions, sel, ["decisions", "explored", "asked", "matches"])
    .flatMap((row) => [
      { day: row.day, kind: "explored", decisions: row.decisions, share: ratio(row.explored, row.decisions) },
      { day: row.day, kind: "match", decisions: row.asked, share: ratio(row.matches, row.asked) }])
    .filter((row) => row.decisions),
});

figure({
  id: "steps", section: "policy", title: "Promotions", fixed: true,
  says: "Each step from one policy to another and why, the newest first.",
  columns: [{ key: "at", label: "When" }, { key: "step", label: "Step" }, { key: "model", label: "Model" },
    { key: "why", label: "Why" }],
  missing: "No model was judged yet: run scripts/train.py, then scripts/evaluate.py MODEL --promote.",
  rows: (data) => table(data.steps).reverse().map((row) => ({ ...row, at: row.at.slice(0, 16).replace("T", " ") })),
});

figure({
  id: "evaluation", section: "policy", title: "What another policy would have earned", fixed: true,
  says: "marts.policy_evaluation, of decisions that are 7 days old and noted what another policy would have done: what the one that decided earned per decision, and what the one asked beside it would have.",
  columns: [{ key: "policy_version", label: "Decided" }, { key: "target_policy_version", label: "Asked" },
    { key: "decisions", label: "Decisions that asked", format: "count" }, { key: "logged_value", label: "Earned", format: "money" },
    { key: "dr_value", label: "Would have", format: "money" },
    { key: "difference_value", label: "Difference", format: "money" },
    { key: "difference_low", label: "From", format: "money" }, { key: "difference_high", label: "To", format: "money" },
    { key: "warnings", label: "What speaks against it" }],
  missing: "No decision has landed.",
  rows: (data) => table(data.evaluation),
});

figure({
  id: "drift", section: "model", title: "Drift of features", days: true,
  says: "How differently a feature's values lie from those that the promoted model was fitted to (population stability index): up to 0.1 alike, above 0.25 another world. Of all countries.",
  columns: [DAY, { key: "feature", label: "Feature" }, { key: "index", label: "Index", format: "number" },
    { key: "null_share", label: "Without a value", format: "percent" },
    { key: "reference_null_share", label: "When fitted", format: "percent" },
    { key: "unseen_share", label: "Unseen values", format: "percent" }, { key: "has_drifted", label: "Drifted" }],
  missing: "No decision in these days by a promoted model says which days it was fitted to: drift needs a model in place.",
  chart: lines("index", "feature", "Index"),
  rows: (data, sel) => [...picked(data.drift, sel)].map((i) => ({
    day: data.drift.day[i], feature: data.drift.feature[i], index: data.drift.population_stability_index[i],
    null_share: data.drift.null_share[i], reference_null_share: data.drift.reference_null_share[i],
    unseen_share: data.drift.unseen_share[i], has_drifted: data.drift.has_drifted[i] ? "yes" : "no" })),
});

figure({
  id: "skew", section: "model", title: "Did decisions use what training sees?",
  says: "Share of decisions whose value of a feature is another than training computes, with no late event to explain it: anything but nearly zero is a defect.",
  columns: [{ key: "feature", label: "Feature" }, { key: "decisions", label: "Decisions", format: "count" },
    { key: "differ", label: "Differ", format: "count" }, { key: "share", label: "Share", format: "percent" },
    { key: "late_news", label: "Late news", format: "count" }],
  missing: "No decision of these days says which features it used.",
  chart: bars("share", "feature", "Share that differs", "%"),
  rows: (data, sel) => sumBy(data.skew, sel, ["feature"], ["decisions", "differ", "late_news"])
    .map((row) => ({ ...row, share: ratio(row.differ, row.decisions) })),
});

figure({
  id: "calibration", section: "model", title: "Calibration of the promoted model", fixed: true,
  says: (data) => `Mean ${data.fit.of || "label"} of offers beside what the model predicted of it, in ten groups, on days that it was not fitted to: points on the line are right.`,
  columns: [{ key: "predicted", label: "Predicted", format: "money" }, { key: "earned", label: "Observed", format: "money" },
    { key: "rows", label: "Offers", format: "count" }],
  missing: "No model is promoted.",
  chart: points("predicted", "earned", "Predicted", "Observed"),
  rows: (data) => table(data.calibration),
});

figure({
  id: "importance", section: "model", title: "What the promoted model looks at", fixed: true,
  says: (data) => (data.fit.is_effects
    ? "How far each input moves the model's log-odds of a purchase: its squared weights, alone and together with the offer, as a share of all."
    : "How much each input improves the model's fit, as a share of the whole."),
  columns: [{ key: "feature", label: "Input" }, { key: "share", label: "Share", format: "percent" }],
  missing: "No model is promoted.",
  chart: bars("share", "feature", "Share of all", "%"),
  rows: (data) => table(data.importance),
});
