"use strict";
// Time-space diagram of a road: lamps at the stop lines, green bands, and the ways of vehicles.
G.corridor = {};

G.corridor.draw = async () => {
  const place = G.by("corridor-chart");
  if (!place) return undefined;
  const { situation, cell } = G.view();
  const net = await G.unpack("net-" + situation.net);
  const select = G.by("corridor-choice");
  const names = net.corridors.map((one, k) => `${k + 1}. ${one.road ? one.road + ": " : ""}${one.signals[0][0]} → ${one.signals.at(-1)[0]} (${one.signals.length})`);
  if (names.join("\n") !== [...select.options].map((option) => option.textContent).join("\n"))
    G.show(select, ...names.map((name, k) => G.el("option", { value: k }, name)));
  const data = cell ? await G.unpack("cell-" + cell.number) : null;
  const at = Number(select.value || 0), road = net.corridors[at], shown = data && data.corridors && data.corridors[at];
  G.by("corridor-caption").textContent = "";
  if (!road || !shown) return G.nothing(place);
  const [begin, end] = data.window, last = end - begin;
  const span = Math.min(600, last), slider = G.by("corridor-time");
  slider.max = Math.max(0, last - span);
  const from = Math.min(Number(slider.value), Number(slider.max)), to = from + span;
  G.by("corridor-time-text").textContent = G.clock(begin + from);
  slider.setAttribute("aria-valuetext", G.clock(begin + from));
  const width = G.width(place), narrow = width < 560;
  const left = narrow ? 40 : Math.min(190, Math.max(60, Math.max(...road.signals.map((one) => [...one[0]].length)) * 7 + 60));
  const top = 22, bottom = top + Math.max(280, Math.min(520, width * 0.5));
  const share = shown.bands.reduce((sum, [a, b]) => sum + b - a, 0);
  const about = G.say("chart-corridor-about", { road: G.apart(names[at]), controller: G.apart(cell.name), situation: G.apart(situation.title), seed: cell.shown, count: shown.bands.length, share: G.number((100 * share) / last, 0) });
  const svg = G.sheet(width, bottom + 28, about);
  const x = G.scale(from, to, left, width - G.margin), y = G.scale(0, road.length, bottom, top);
  const clip = "corridor-clip";
  svg.append(G.svg("clipPath", { id: clip }, G.svg("rect", { x: left, y: top - 6, width: width - G.margin - left, height: bottom - top + 12 })));
  G.axisX(svg, x, top, bottom, "", G.timeTicks(from, to, begin, narrow ? 4 : 8), (tick) => G.clock(begin + tick, true));
  svg.append(G.text(left, top - 10, "[m]", { class: "soft", "text-anchor": "end" }));
  const inside = G.svg("g", { "clip-path": `url(#${clip})` });
  const point = (time, metre) => `${x(time).toFixed(1)} ${y(metre).toFixed(1)}`;
  // Bands: from the first stop line to the last, at free speed.
  for (const [a, b] of shown.bands) {
    const forth = road.signals.map((one, k) => point(a + shown.travel[k], one[1]));
    const back = road.signals.map((one, k) => point(b + shown.travel[k], one[1])).reverse();
    inside.append(G.svg("path", { d: "M" + [...forth, ...back].join("L") + "z", class: "green-band" }));
  }
  const ways = [];
  for (const way of shown.ways) {
    let time = way[0] / 10, metre = way[1], d = "M" + point(time, metre), seen = false;
    for (let k = 2; k < way.length; k += 2) { time += way[k] / 10; metre += way[k + 1]; d += "L" + point(time, metre); seen = seen || time >= from; }
    if (seen && way[0] / 10 <= to) ways.push(d);
  }
  inside.append(G.svg("path", { d: ways.join(""), class: "way-of-vehicle" }));
  road.signals.forEach(([id, metre], k) => {
    for (const [a, b, letter] of G.signal.runs(shown.lamps[k], from, to, last)) {
      const kind = (G.signal.marks[letter] || G.signal.marks.O)[0];
      const thick = kind === "green" || kind === "permissive" ? 3 : 7;
      inside.append(G.svg("rect", { x: x(a).toFixed(1), y: (y(metre) - thick / 2).toFixed(1), width: Math.max(0.4, x(b) - x(a)).toFixed(1), height: thick, class: "lamp " + kind }));
    }
    svg.append(G.text(left - 7, y(metre) + 4, narrow ? G.number(metre, 0) : G.fit(id, left - 52) + "  " + G.number(metre, 0), { "text-anchor": "end" }));
  });
  svg.append(inside);
  G.show(place, svg);
  G.by("corridor-caption").textContent = about;
  G.corridor.table(road, shown, begin);
  return undefined;
};

G.corridor.table = (road, shown, begin) => {
  const columns = [[G.say("chart-signal")], [G.say("chart-at"), { digits: 0 }], [G.say("chart-after"), { digits: 0 }]];
  const signals = road.signals.map((one, k) => [one[0], one[1], shown.travel[k]]);
  const bands = shown.bands.map(([a, b]) => [G.clock(begin + a, true), G.clock(begin + b, true), b - a]);
  G.show(G.by("corridor-table"), G.table(G.say("chart-corridor-signals"), columns, signals),
    G.table(G.say("chart-corridor-bands"), [[G.say("chart-from")], [G.say("chart-to")], [G.say("chart-wide"), { digits: 0 }]], bands));
};
G.charts.push(G.corridor.draw);
