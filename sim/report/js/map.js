"use strict";
// The network, its roads coloured and the widths stepped by one figure of one controller's run.
G.map = { view: null };

// Classes of each figure: upper limits; letters instead where the figure is a grade.
G.map.classes = { road_delay: [2, 5, 10, 20, 40], saturation: [0.5, 0.7, 0.85, 0.95, 1.0], quality: null };

G.map.rank = (figure, value) => {
  if (value === null || value === undefined) return null;
  if (figure === "quality") return "ABCDEF".indexOf(value);
  const limits = G.map.classes[figure];
  const at = limits.findIndex((limit) => value <= limit);
  return at < 0 ? limits.length : at;
};

G.map.path = (flat) => {
  let d = `M${flat[0]} ${flat[1]}`;
  for (let k = 2; k < flat.length; k += 2) d += `l${flat[k]} ${flat[k + 1]}`;
  return d;
};

G.map.draw = async () => {
  const place = G.by("map-chart");
  const { situation, cell } = G.view();
  const net = await G.unpack("net-" + situation.net);
  const data = cell ? await G.unpack("cell-" + cell.number) : null;
  if (!net) return G.nothing(place);
  const figure = document.querySelector("input[name=map-figure]:checked").value;
  const values = (data && data.edges && data.edges[figure]) || [];
  const [wide, high] = net.box;
  const margin = Math.max(wide, high) * 0.03;
  const width = G.width(place), height = Math.max(240, Math.min(width * 0.75, (width * (high + 2 * margin)) / (wide + 2 * margin)));
  if (!G.map.view || G.map.view.net !== situation.net) G.map.view = G.map.all(situation.net, net.box, margin, width / height);
  const view = G.map.view;
  const about = G.say("chart-map-about", { figure: G.withUnit(figure), controller: G.apart(cell ? cell.name : "–"), situation: G.apart(situation.title), seed: cell ? cell.shown : "–" });
  const svg = G.svg("svg", { width, height, role: "img", "aria-label": about, class: "map", preserveAspectRatio: "xMidYMid meet" });
  svg.append(G.svg("path", { d: net.junctions.map((area) => G.map.path(area) + "z").join(""), class: "junction" }));
  const base = G.svg("g", { class: "roads" }), colours = G.svg("g");
  const marked = [];
  net.edges.forEach((edge, k) => {
    const d = edge[4].map(G.map.path).join("");
    base.append(G.svg("path", { d, class: edge[3] ? "way" : "road" }));
    const rank = G.map.rank(figure, values[k]);
    if (rank === null) return;
    const line = G.svg("g", {}, G.svg("path", { d, class: "casing" }), G.svg("path", { d, class: "class-" + rank }));
    const text = figure === "quality" ? values[k] : G.number(values[k], figure === "saturation" ? 2 : 1);
    line.append(G.svg("title", {}, [edge[1], edge[0]].filter(Boolean).map(G.apart).join(", ") + ": " + text));
    marked.push([line, rank]);
  });
  marked.sort((a, b) => a[1] - b[1]);
  colours.append(...marked.map(([line]) => line));
  svg.append(base, colours);
  const signals = G.svg("g", { class: "signals" });
  for (const [id, x, y] of net.signals) signals.append(G.svg("circle", { cx: x, cy: y }, G.svg("title", {}, G.apart(id))));
  svg.append(signals);
  const letters = G.svg("g", { class: "letters" });
  if (figure === "quality") net.edges.forEach((edge, k) => {
    if (!values[k] || !edge[4].length) return;
    const flat = edge[4][0];
    // Some way before the stop line, so that the letters of a junction do not lie over one another.
    let [x, y] = flat;
    for (let i = 2; i < flat.length - 2; i += 2) { x += flat[i]; y += flat[i + 1]; }
    const [right, down] = flat.slice(-2), share = Math.max(0.35, 1 - 250 / Math.hypot(right, down));
    letters.append(G.text(x + right * share, y + down * share, values[k], { "text-anchor": "middle", "dominant-baseline": "central" }));
  });
  svg.append(letters);
  G.map.frame = () => {
    const tall = (view.w * height) / width, unit = view.w / width;
    svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.w} ${tall}`);
    const lane = Math.max(30, 1.6 * unit);
    svg.style.setProperty("--lane", lane); svg.style.setProperty("--edge", lane + 2.2 * unit);
    signals.querySelectorAll("circle").forEach((dot) => dot.setAttribute("r", Math.max(40, 4.5 * unit)));
    letters.querySelectorAll("text").forEach((text) => { text.style.fontSize = 15 * unit + "px"; text.style.strokeWidth = 4 * unit + "px"; });
  };
  G.map.frame();
  G.map.drag(svg, width);
  G.show(place, svg);
  G.by("map-caption").textContent = about;
  G.map.legend(figure);
  G.map.table(net, data, cell, situation);
  return undefined;
};

// The part of the plane that holds the whole net, in the middle.
G.map.all = (net, [wide, high], margin, ratio) => {
  const w = Math.max(wide + 2 * margin, (high + 2 * margin) * ratio);
  return { net, w, x: (wide - w) / 2, y: (high - w / ratio) / 2 };
};

G.map.zoom = (factor) => {
  const view = G.map.view;
  if (!view || !G.map.frame) return;
  const before = view.w, ratio = G.by("map-chart").firstChild.getAttribute("height") / G.by("map-chart").firstChild.getAttribute("width");
  view.w = Math.max(500, before * factor);
  view.x += (before - view.w) / 2; view.y += ((before - view.w) / 2) * ratio;
  G.map.frame();
};
G.map.move = (right, down) => {
  if (!G.map.view || !G.map.frame) return;
  G.map.view.x += right * G.map.view.w * 0.15; G.map.view.y += down * G.map.view.w * 0.15;
  G.map.frame();
};
G.map.whole = () => { G.map.view = null; G.map.draw(); };

G.map.drag = (svg, width) => {
  let from = null;
  svg.addEventListener("pointerdown", (event) => { if (event.pointerType !== "touch") { from = [event.clientX, event.clientY]; svg.setPointerCapture(event.pointerId); } });
  svg.addEventListener("pointermove", (event) => {
    if (!from) return;
    const unit = G.map.view.w / width;
    G.map.view.x -= (event.clientX - from[0]) * unit; G.map.view.y -= (event.clientY - from[1]) * unit;
    from = [event.clientX, event.clientY];
    G.map.frame();
  });
  svg.addEventListener("pointerup", () => { from = null; });
};

G.map.legend = (figure) => {
  const limits = G.map.classes[figure];
  const write = (value) => G.number(value, figure === "saturation" ? 2 : 0);
  const texts = limits === null ? [..."ABCDEF"] : limits.map((limit) => "≤ " + write(limit)).concat("> " + write(limits.at(-1)));
  G.show(G.by("map-legend"), G.el("li", {}, G.withUnit(figure)), ...texts.map((text, k) => G.el("li", {}, G.el("span", { class: "swatch class-" + k, "aria-hidden": "true" }), text)));
};

G.map.table = (net, data, cell, situation) => {
  if (!G.by("map-table-box").open) return;
  const figures = Object.keys(G.map.classes).filter((key) => data && data.edges && data.edges[key]);
  const columns = [[G.say("chart-road")], [G.say("chart-edge")], ...figures.map((key) => [G.withUnit(key), key === "quality" ? { term: key } : { digits: key === "saturation" ? 2 : 1, term: key }])];
  const rows = net.edges.map((edge, k) => [edge[1], edge[0], ...figures.map((key) => data.edges[key][k] ?? null)]).filter((row) => row.slice(2).some((value) => value !== null));
  G.show(G.by("map-table"), G.table(G.say("chart-map-table", { controller: G.apart(cell ? cell.name : "–"), situation: G.apart(situation.title) }), columns, rows));
};
G.charts.push(() => { if (G.by("map-chart")) G.map.draw(); });
