"use strict";
// The network: its roads coloured and their widths stepped by one figure, of a running simulation or of finished runs.
const M = { show: "", tag: "", net: null, told: null, view: null, lines: new Map() };

// Of each kind of data: the place of a figure in an edge's row, its digits, and the upper limits of its classes.
M.figures = {
  live: {
    standing: [1, 0, [0, 2, 5, 10, 20]], vehicles: [0, 0, [1, 2, 5, 10, 20]], sofar: [3, 1, [2, 5, 10, 20, 40]],
  },
  mean: { delay: [0, 1, [2, 5, 10, 20, 40]], spillback: [1, 0, [0, 30, 120, 300, 900]], flow: [2, 0, [100, 200, 400, 800, 1600]] },
};
M.figures.waiting = M.figures.live;

M.svg = (tag, attributes = {}) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
};
M.path = (flat) => {
  let d = `M${flat[0]} ${flat[1]}`;
  for (let k = 2; k < flat.length; k += 2) d += `l${flat[k]} ${flat[k + 1]}`;
  return d;
};

// What is shown: what was chosen, or what is running, or the first row of the table.
M.target = () => {
  const chosen = W.by("map-show").value, state = W.state;
  const found = state.running.find((run) => run.key === chosen) || state.cells.find((cell) => cell.id && cell.id === chosen);
  if (found) return found;
  return state.running.find((run) => run.key === M.show) || state.running.find((run) => run.controller !== "floor") ||
    state.running[0] || state.cells.find((cell) => cell.id && cell.done > 0) || null;
};

M.offer = () => {
  const { running, cells } = W.state;
  W.choices(W.by("map-show"), [
    ["", W.say("map-auto")],
    ...running.map((run) => [run.key, W.say("map-now", { name: W.named(run) })]),
    ...cells.filter((cell) => cell.id && cell.done > 0).map((cell) => [cell.id, W.say("map-mean", { name: W.named(cell) })]),
  ]);
  const kind = M.told ? M.told.kind : "waiting";
  W.choices(W.by("map-figure"), Object.keys(M.figures[kind]).map((key) => [key, W.say("figure-" + key)]));
};

M.update = async () => {
  M.offer();
  const target = M.target();
  if (!target) return M.nothing(W.say("map-none"));
  const show = target.key || target.id;
  if (M.show !== show || !M.net) {
    const answer = await W.ask("network?show=" + show);
    if (!answer) return undefined;
    if (answer.data.fault) { M.net = null; return M.nothing(answer.data.fault); }
    M.show = show;
    M.told = null;
    if (M.tag !== answer.tag || !M.net) {
      M.tag = answer.tag;
      M.net = answer.data;
      M.view = null;
      M.draw();
    }
  }
  const answer = await W.ask("figures?show=" + show);
  if (!answer || show !== M.show) return undefined;
  if (answer.data.fault) { M.told = null; M.colour(); W.write(W.by("map-note"), answer.data.fault); return undefined; }
  M.told = answer.data;
  M.target_now = target;
  M.colour();
  return undefined;
};

M.nothing = (text) => {
  const note = document.createElement("p");
  note.textContent = W.plain(text);
  if (W.by("map-chart").textContent !== note.textContent) W.by("map-chart").replaceChildren(note);
  W.write(W.by("map-note"), "");
  W.list(W.by("map-legend"), []);
  M.net = M.told = null;
  M.tag = "";
  M.table([], 0);
};

M.draw = () => {
  const svg = M.svg("svg", { role: "img", class: "map", preserveAspectRatio: "xMidYMid meet" });
  svg.append(M.svg("path", { d: M.net.junctions.map((area) => M.path(area) + "z").join(""), class: "junction" }));
  const base = M.svg("g"), colours = M.svg("g"), signals = M.svg("g", { class: "signals" });
  M.lines = new Map();
  for (const [id, name, , slow, lanes] of M.net.edges) {
    const d = lanes.map(M.path).join("");
    base.append(M.svg("path", { d, class: slow ? "way" : "road" }));
    M.lines.set(id, { d, name, node: null });
  }
  for (const [id, x, y] of M.net.signals) {
    const dot = M.svg("circle", { cx: x, cy: y }), title = M.svg("title");
    title.textContent = W.plain(id);
    dot.append(title);
    signals.append(dot);
  }
  svg.append(base, colours, signals);
  M.colours = colours;
  W.by("map-chart").replaceChildren(svg);
  M.drag(svg);
  M.frame();
};

// Colours are put on and taken off as figures come and go; an edge's drawing is made once.
M.colour = () => {
  const kind = M.told ? M.told.kind : "waiting", figures = M.figures[kind];
  M.offer();
  const figure = W.by("map-figure").value;
  const [place, digits, limits] = figures[figure];
  const told = M.told ? M.told.edges : {}, rows = [];
  for (const [id, line] of M.lines) {
    const value = Object.hasOwn(told, id) ? told[id][place] : null;
    if (value === null) { if (line.node) line.node.remove(); continue; }
    if (!line.node) {
      line.node = M.svg("g");
      line.node.append(M.svg("path", { d: line.d, class: "casing" }), M.svg("path", { d: line.d }), M.svg("title"));
    }
    const at = limits.findIndex((limit) => value <= limit), rank = at < 0 ? limits.length : at;
    line.node.children[1].setAttribute("class", "class-" + rank);
    line.node.children[2].textContent = [line.name, id].filter(Boolean).map(W.apart).join(", ") + ": " + W.number(value, digits);
    if (line.node.parentNode !== M.colours) M.colours.append(line.node);
    rows.push({ id, name: line.name, value });
  }
  const note = M.note(kind);
  W.write(W.by("map-note"), note);
  const svg = W.by("map-chart").querySelector("svg");
  if (svg) svg.setAttribute("aria-label", W.say("map-about", { figure: W.say("figure-" + figure), note }));
  M.legend(figure, limits);
  M.table(rows.sort((a, b) => b.value - a.value).slice(0, 20), digits);
};

M.note = (kind) => {
  if (!M.told || kind === "waiting") return W.say("map-waiting");
  const name = W.named(M.target_now);
  if (kind === "mean") return W.say(M.told.seeds === 1 ? "map-mean-note-1" : "map-mean-note", { name, seeds: M.told.seeds });
  const { time, vehicles, standing, waiting, delay } = M.told;
  return W.say("map-live-note", { name, time: W.clock(time), vehicles, standing, waiting, delay: W.number(delay, 1) });
};

M.legend = (figure, limits) => {
  const write = (value) => W.number(value, 0);
  const texts = [W.say("figure-" + figure), ...limits.map((limit) => (limit ? "≤ " : "") + write(limit)), "> " + write(limits.at(-1))];
  const legend = W.by("map-legend");
  if (legend.dataset.texts === texts.join()) return;
  legend.dataset.texts = texts.join();
  legend.replaceChildren(...texts.map((text, k) => {
    const item = document.createElement("li");
    if (k) {
      const swatch = document.createElement("span");
      swatch.className = "swatch class-" + (k - 1);
      item.append(swatch);
    }
    item.append(text);
    return item;
  }));
};

M.table = (rows, digits) => {
  if (!W.by("map-box").open) return;
  W.table(W.by("map-edges"), [
    { head: "edge", text: (row) => row.id },
    { head: "road", text: (row) => row.name },
    { head: "value", text: (row) => W.number(row.value, digits), figure: true },
  ], rows, (row) => row.id);
};

M.frame = () => {
  const svg = W.by("map-chart").querySelector("svg");
  if (!svg) return;
  const width = svg.clientWidth || 600, height = svg.clientHeight || 400;
  const [wide, high] = M.net.box, margin = Math.max(wide, high) * 0.03;
  if (!M.view) {
    const w = Math.max(wide + 2 * margin, ((high + 2 * margin) * width) / height);
    M.view = { w, x: (wide - w) / 2, y: (high - (w * height) / width) / 2 };
  }
  const view = M.view, unit = view.w / width, lane = Math.max(30, 1.6 * unit);
  svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.w} ${view.w * height / width}`);
  svg.style.setProperty("--lane", lane);
  svg.style.setProperty("--edge", lane + 2.2 * unit);
  for (const dot of svg.querySelectorAll("circle")) dot.setAttribute("r", Math.max(40, 4.5 * unit));
};
M.zoom = (factor) => {
  const svg = W.by("map-chart").querySelector("svg");
  if (!svg || !M.view) return;
  const before = M.view.w, ratio = svg.clientHeight / svg.clientWidth;
  M.view.w = Math.max(500, before * factor);
  M.view.x += (before - M.view.w) / 2;
  M.view.y += ((before - M.view.w) / 2) * ratio;
  M.frame();
};
M.move = (right, down) => {
  if (!M.view) return;
  M.view.x += right * M.view.w * 0.15;
  M.view.y += down * M.view.w * 0.15;
  M.frame();
};
M.drag = (svg) => {
  let from = null;
  svg.addEventListener("pointerdown", (event) => { if (event.pointerType !== "touch") { from = [event.clientX, event.clientY]; svg.setPointerCapture(event.pointerId); } });
  svg.addEventListener("pointermove", (event) => {
    if (!from) return;
    const unit = M.view.w / svg.clientWidth;
    M.view.x -= (event.clientX - from[0]) * unit;
    M.view.y -= (event.clientY - from[1]) * unit;
    from = [event.clientX, event.clientY];
    M.frame();
  });
  svg.addEventListener("pointerup", () => { from = null; });
};
