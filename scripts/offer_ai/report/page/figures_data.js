// Figures of the data, of players and of money. Each has an id, a section, a title, a sentence,
// columns of its table, rows(data, sel) and a chart; `fixed` figures follow no choice.

const FIGURES = [];
const figure = (one) => FIGURES.push(one);
const DAY = { key: "day", label: "Day", format: "day" };

figure({
  id: "events", section: "data", title: "Events by day and type",
  says: "A line that falls to zero is a feed that has stopped.",
  columns: [DAY, { key: "event_type", label: "Type" }, { key: "events", label: "Events", format: "count" }],
  missing: "No event has landed in these days.",
  chart: lines("events", "event_type", "Events"),
  rows(data, sel) {
    const types = [...new Set(data.events.event_type)].sort();
    const found = new Map(sumBy(data.events, sel, ["day", "event_type"], ["events"])
      .map((row) => [`${row.day} ${row.event_type}`, row.events]));
    if (!found.size) return [];
    const rows = [];
    for (let day = sel.from; day <= sel.to; day++) {
      for (const type of types) {
        rows.push({ day, event_type: type, events: found.get(`${day} ${type}`) || 0 });
      }
    }
    return rows;
  },
});

figure({
  id: "arrivals", section: "data", title: "Late and repeated events",
  says: "Late: an earlier build had seen events of a later day. Repeated: delivered again and counted once. A few of each are usual.",
  columns: [DAY, { key: "kind", label: "Kind" }, { key: "events", label: "Events", format: "count" },
    { key: "share", label: "Share of the day's events", format: "percent" }],
  missing: "No event has landed in these days.",
  chart: lines("share", "kind", "Share of events", "%"),
  rows(data, sel) {
    const repeats = byDay(data.repeats, sel, ["repeats"]);
    return byDay(data.events, sel, ["events", "late"]).flatMap((row, i) => (row.events ? [
      { day: row.day, kind: "late", events: row.late, share: ratio(row.late, row.events) },
      { day: row.day, kind: "repeated", events: repeats[i].repeats,
        share: ratio(repeats[i].repeats, row.events) }] : []));
  },
});

figure({
  id: "rejects", section: "data", title: "Rejected lines by reason", fixed: true,
  says: "Lines that are no event; landing.rejected_events keeps their text. Of all files: what is no event has neither day nor country.",
  columns: [{ key: "reason", label: "Reason" }, { key: "lines", label: "Lines", format: "count" }],
  missing: "No line was rejected.",
  chart: bars("lines", "reason", "Lines"),
  rows: (data) => table(data.rejects),
});

const ACTIVE = { active_users: "on the day", active_users_7_days: "in 7 days", active_users_28_days: "in 28 days" };
figure({
  id: "active", section: "players", title: "Active players",
  says: "Players with an event on the day, and in the 7 and 28 days that end with it. They do not add up over days: who plays on two days is one player.",
  columns: [DAY, { key: "window", label: "Active" }, { key: "users", label: "Players", format: "count" }],
  missing: "No player has an event in these days.",
  chart: lines("users", "window", "Players"),
  rows: (data, sel) => byDay(data.activity, sel, Object.keys(ACTIVE)).flatMap((row) =>
    Object.entries(ACTIVE).map(([key, window]) => ({ day: row.day, window, users: row[key] })))
    .filter((row, _, all) => all.some((one) => one.users)),
});

figure({
  id: "new_users", section: "players", title: "New players",
  says: "Players whose first event was on the day.",
  columns: [DAY, { key: "new_users", label: "New players", format: "count" }],
  missing: "No player is new in these days.",
  chart: dayBars("new_users", "New players"),
  rows: (data, sel) => byDay(data.activity, sel, ["new_users"]).filter((row, _, all) =>
    all.some((one) => one.new_users)),
});

figure({
  id: "retention", section: "players", title: "Retention by first day",
  says: "Of the players who were new on a day, the share that came back 1, 7 and 28 days later. A point is missing while that day is not over.",
  columns: [{ key: "day", label: "First day", format: "day" }, { key: "later", label: "Later" },
    { key: "users", label: "New players", format: "count" }, { key: "returned", label: "Came back", format: "count" },
    { key: "share", label: "Share", format: "percent" }],
  missing: "No player's first day in these days is a day ago.",
  chart: lines("share", "later", "Share that came back", "%"),
  rows: (data, sel) => sumBy(data.retention, sel, ["day", "days_since"], ["users", "returned"])
    .map((row) => ({ day: row.day, later: row.days_since === 1 ? "1 day" : `${row.days_since} days`,
      users: row.users, returned: row.returned, share: ratio(row.returned, row.users) }))
    .sort((a, b) => a.day - b.day),
});

figure({
  id: "sessions", section: "players", title: "Sessions and games",
  says: "How often an active player plays on a day, and how many games a session has.",
  columns: [DAY, { key: "measure", label: "Measure" }, { key: "value", label: "Mean", format: "number" }],
  missing: "No session began in these days.",
  chart: lines("value", "measure", "Mean"),
  rows: (data, sel) => byDay(data.activity, sel, ["active_users", "sessions", "games_played"])
    .filter((row) => row.sessions)
    .flatMap((row) => [
      { day: row.day, measure: "sessions per player", value: ratio(row.sessions, row.active_users) },
      { day: row.day, measure: "games per session", value: ratio(row.games_played, row.sessions) }]),
});

figure({
  id: "wins", section: "players", title: "Games won",
  says: "Share of the games started that were won: far from its usual place, the game has become too hard or too easy.",
  columns: [DAY, { key: "games_played", label: "Games", format: "count" },
    { key: "games_won", label: "Won", format: "count" }, { key: "share", label: "Share", format: "percent" }],
  missing: "No game was played in these days.",
  chart: lines("share", null, "Share won", "%"),
  rows: (data, sel) => byDay(data.activity, sel, ["games_played", "games_won"])
    .filter((row) => row.games_played)
    .map((row) => ({ ...row, share: ratio(row.games_won, row.games_played) })),
});

figure({
  id: "revenue", section: "money", title: "Revenue by day",
  says: (data) => `What players paid, refunds taken off; in ${data.currency}.`,
  columns: [DAY, { key: "revenue", label: "Revenue", format: "money" },
    { key: "purchases", label: "Purchases", format: "count" }, { key: "refunds", label: "Refunds", format: "count" },
    { key: "refund_amount", label: "Refunded", format: "money" }],
  missing: "Nothing was bought in these days.",
  chart: dayBars("revenue", "Revenue"),
  rows: (data, sel) => byDay(data.activity, sel, ["revenue", "purchases", "refunds", "refund_amount"])
    .filter((row, _, all) => all.some((one) => one.purchases || one.refunds)),
});

figure({
  id: "payers", section: "money", title: "Players who pay",
  says: "Share of a day's active players who bought something on it.",
  columns: [DAY, { key: "payers", label: "Payers", format: "count" },
    { key: "active_users", label: "Active", format: "count" }, { key: "share", label: "Share", format: "percent" }],
  missing: "No player has an event in these days.",
  chart: lines("share", null, "Share that pays", "%"),
  rows: (data, sel) => byDay(data.activity, sel, ["payers", "active_users"])
    .filter((row) => row.active_users)
    .map((row) => ({ ...row, share: ratio(row.payers, row.active_users) })),
});

figure({
  id: "per_user", section: "money", title: "Revenue per player",
  says: "A day's revenue by its active players: what a player is worth a day.",
  columns: [DAY, { key: "per_active", label: "Per active player", format: "money" },
    { key: "per_payer", label: "Per payer", format: "money" }],
  missing: "No player has an event in these days.",
  chart: lines("per_active", null, "Revenue per active player"),
  rows: (data, sel) => byDay(data.activity, sel, ["revenue", "payers", "active_users"])
    .filter((row) => row.active_users)
    .map((row) => ({ day: row.day, per_active: ratio(row.revenue, row.active_users),
      per_payer: ratio(row.revenue, row.payers) })),
});
