"use strict";
// Axes and marks of the charts: SVG, drawn at the width there is, so that letters keep their size.
G.width = (node) => Math.max(280, Math.floor(node.clientWidth || 680));

// Room at the right, where the last number of an axis stands half outside [px].
G.margin = 26;

G.scale = (from, to, low, high) => {
  const span = to - from || 1;
  const scale = (value) => low + ((value - from) / span) * (high - low);
  scale.from = from; scale.to = to;
  return scale;
};

// Round numbers that cover a range in about `count` steps.
G.ticks = (from, to, count = 6) => {
  const raw = (to - from || 1) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= raw * 0.999) * power;
  const ticks = [];
  for (let value = Math.ceil(from / step - 1e-9) * step; value <= to + step * 1e-9; value += step) ticks.push(Math.abs(value) < step * 1e-9 ? 0 : value);
  ticks.digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return ticks;
};

G.sheet = (width, height, label) =>
  G.svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label });

G.text = (x, y, text, attributes = {}) => G.svg("text", { x, y, ...attributes }, String(text));

G.fit = (text, width) => {
  const most = Math.max(4, Math.floor(width / 6.6));
  const letters = [...String(text)];
  return letters.length > most ? letters.slice(0, most - 1).join("") + "…" : String(text);
};

G.axisX = (svg, x, top, bottom, title, ticks, write) => {
  for (const tick of ticks) {
    svg.append(G.svg("line", { class: "axis", x1: x(tick), x2: x(tick), y1: top, y2: bottom + 4 }));
    svg.append(G.text(x(tick), bottom + 17, write(tick), { "text-anchor": "middle", class: "soft" }));
  }
  if (title) svg.append(G.text((x(x.from) + x(x.to)) / 2, bottom + 34, title, { "text-anchor": "middle", class: "soft" }));
};

G.axisY = (svg, y, left, right, title, ticks, write) => {
  for (const tick of ticks) {
    svg.append(G.svg("line", { class: "axis", x1: left - 4, x2: right, y1: y(tick), y2: y(tick) }));
    svg.append(G.text(left - 7, y(tick) + 4, write(tick), { "text-anchor": "end", class: "soft" }));
  }
  if (title) svg.append(G.text(left, Math.min(y(y.from), y(y.to)) - 9, title, { class: "soft" }));
};

// Seconds of the day as a clock, seconds within an hour where the span is short.
G.clock = (seconds, exact = false) => {
  const whole = Math.round(seconds);
  const part = (value) => String(value).padStart(2, "0");
  const text = part(Math.floor(whole / 3600)) + ":" + part(Math.floor(whole / 60) % 60);
  return exact ? text + ":" + part(whole % 60) : text;
};

G.show = (node, ...content) => node.replaceChildren(...content);
G.nothing = (node) => G.show(node, G.el("p", { class: "note" }, G.say("chart-none")));
