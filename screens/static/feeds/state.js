// What a chart shows, and the address that says the same: a link shows the same chart.
export const SHIFTS = { day: 86400, week: 604800 };
export const MOST_FEEDS = 12;
const SHORTEST_S = 10;
const LONGEST_S = 10 * 366 * 86400;
const number = (text, otherwise) => (text !== null && text !== "" && Number.isFinite(Number(text)) ? Number(text) : otherwise);

// {feeds: [key], span: seconds, to: seconds since 1970 or null while it follows what is measured,
//  against: "", "day" or "week", stacked, flags}
export const read = (search) => {
  const said = new URLSearchParams(search);
  const against = said.get("with") || "";
  return {
    feeds: [...new Set(said.getAll("feed"))].slice(0, MOST_FEEDS),
    span: clamp(number(said.get("span"), 3600)),
    to: number(said.get("to"), null),
    against: against in SHIFTS ? against : "",
    stacked: said.get("view") === "stacked",
    flags: said.get("flags") !== "off",
  };
};

export const write = (state) => {
  const said = new URLSearchParams();
  for (const key of state.feeds) said.append("feed", key);
  said.set("span", String(Math.round(state.span)));
  if (state.to !== null) said.set("to", String(Math.round(state.to)));
  if (state.against) said.set("with", state.against);
  if (state.stacked) said.set("view", "stacked");
  if (!state.flags) said.set("flags", "off");
  return `?${said}`;
};

export const clamp = (span) => Math.min(LONGEST_S, Math.max(SHORTEST_S, span));

// The span [from, to] as a state: what reaches up to now follows it.
export const between = (state, from, to, now) => {
  const span = clamp(to - from);
  const end = Math.max(span, from + (to - from) / 2 + span / 2);
  return { ...state, span, to: end >= now ? null : end };
};

// Three times as much, around the middle.
export const wider = (state, now) => {
  const to = state.to ?? now;
  return between(state, to - 2 * state.span, to + state.span, now);
};

// On or back by a share of the span.
export const moved = (state, share, now) => {
  const to = (state.to ?? now) + share * state.span;
  return between(state, to - state.span, to, now);
};
