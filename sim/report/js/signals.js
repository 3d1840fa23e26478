"use strict";
// Signal timing diagram and Purdue coordination diagram of one signal, drawn from what the lamps showed.
G.signal = {};

// Bars for what a group may drive at, thin lines for what it waits at; heights differ, so that colour is not needed.
G.signal.marks = {
  G: ["green", 0.66], g: ["permissive", 0.66], y: ["yellow", 0.36], Y: ["yellow", 0.36], u: ["redyellow", 0.36],
  r: ["red", 0.1], s: ["red", 0.1], o: ["off", 0.1], O: ["off", 0.05],
};

// The lamps of a group as [begin, end, letter], cut to a span of time.
G.signal.runs = (group, from, to, last) => {
  const runs = [];
  let time = 0;
  for (let k = 0; k < group.steps.length; k++) {
    time += group.steps[k];
    const end = k + 1 < group.steps.length ? time + group.steps[k + 1] : last;
    if (end > from && time < to) runs.push([Math.max(time, from), Math.min(end, to), group.letters[k]]);
  }
  return runs;
};

G.signal.chosen = async () => {
  const { situation, cell } = G.view();
  const data = cell ? await G.unpack("cell-" + cell.number) : null;
  const id = G.by("signal-choice").value;
  const at = data && data.signals ? data.signals.findIndex((one) => one.id === id) : -1;
  return { situation, cell, data, signal: at >= 0 ? data.signals[at] : null };
};

G.signal.timing = async () => {
  const place = G.by("timing-chart");
  const { situation, cell, data, signal } = await G.signal.chosen();
  G.by("timing-caption").textContent = "";
  if (!signal) return G.nothing(place);
  const [begin, end] = data.window;
  const span = Math.min(300, end - begin);
  const from = Number(G.by("signal-time").value), to = from + span;
  const width = G.width(place), step = 20, top = 8;
  const left = Math.min(150, Math.max(36, Math.max(...signal.groups.map((group) => [...group.name].length)) * 7 + 14));
  const bottom = top + step * signal.groups.length;
  const about = G.say("chart-timing-about", { signal: G.apart(signal.id), controller: G.apart(cell.name), situation: G.apart(situation.title), seed: cell.shown, from: G.clock(begin + from, true), to: G.clock(begin + to, true) });
  const svg = G.sheet(width, bottom + 28, about);
  const x = G.scale(from, to, left, width - G.margin);
  G.axisX(svg, x, top, bottom, "", G.timeTicks(from, to, begin, width < 560 ? 4 : 8), (tick) => G.clock(begin + tick, span < 600));
  signal.groups.forEach((group, k) => {
    const y = top + step * (k + 0.5);
    svg.append(G.text(left - 6, y + 4, G.fit(group.name, left - 6), { "text-anchor": "end" }));
    for (const [a, b, letter] of G.signal.runs(group, from, to, end - begin)) {
      const [kind, part] = G.signal.marks[letter] || G.signal.marks.O;
      const high = step * part;
      svg.append(G.svg("rect", { x: x(a).toFixed(1), y: y - high / 2, width: Math.max(0.5, x(b) - x(a)).toFixed(1), height: high, class: "lamp " + kind }));
    }
  });
  G.show(place, svg);
  G.by("timing-caption").textContent = about;
  G.signal.table(signal, end - begin, G.signal.safety(data, cell));
  return undefined;
};

// What the diagram says in figures: how often and how long each group was green.
G.signal.table = (signal, last, more) => {
  const greens = (group) => {
    const joined = [];
    for (const [a, b, letter] of G.signal.runs(group, 0, last, last)) {
      if (!"Gg".includes(letter)) continue;
      if (joined.length && joined.at(-1)[1] === a) joined.at(-1)[1] = b; else joined.push([a, b]);
    }
    return joined.map(([a, b]) => b - a);
  };
  const columns = [[G.say("chart-group")], [G.say("chart-greens"), { digits: 0 }], [G.say("chart-green-mean"), { digits: 1 }], [G.say("chart-green-short"), { digits: 1 }], [G.say("chart-green-long"), { digits: 1 }], [G.say("chart-green-share"), { digits: 1 }], [G.say("chart-on-green"), { digits: 1 }]];
  const rows = signal.groups.map((group) => {
    const list = greens(group), sum = list.reduce((a, b) => a + b, 0);
    return [group.name, list.length, list.length ? sum / list.length : null, list.length ? Math.min(...list) : null, list.length ? Math.max(...list) : null, (100 * sum) / last, group.onGreen];
  });
  const turns = G.data.turnColumns.map(([key, digits], k) => k === 0 ? [G.say("chart-turn")] : k === 1 ? [G.say("chart-group")] : [G.withUnit(key), digits === null ? { term: key } : { digits, term: key }]);
  const named = { signal: G.apart(signal.id) };
  G.show(G.by("signal-table"), G.table(G.say("chart-turn-table", named), turns, signal.turns), G.table(G.say("chart-signal-table", named), columns, rows), ...more);
};

// Safety of all signals beside each other; runs that did not record it have none.
G.signal.safety = (data, cell) => {
  if (!data.safety || !data.safety.length) return [];
  const every = [[G.say("chart-signal")], ...G.data.safetyColumns.map(([key, digits]) => [G.withUnit(key), { digits, term: key }])];
  // Modes that nobody drove have no column.
  const used = (_, k) => data.safety.some((row) => row[k] !== null);
  const rows = data.safety.map((row) => row.filter(used));
  return [G.table(G.say("chart-safety-table", { controller: G.apart(cell.name), seed: cell.shown }), every.filter(used), rows)];
};

// Purdue coordination diagram: when in its cycle each vehicle arrived; a cycle runs from begin of red to begin of red.
G.signal.purdue = async () => {
  const place = G.by("purdue-chart");
  const { situation, cell, data, signal } = await G.signal.chosen();
  const group = signal && signal.groups.find((one) => one.name === G.by("group-choice").value);
  G.by("purdue-caption").textContent = "";
  if (!group || !group.arrivals || !group.arrivals.length) return G.nothing(place);
  const [begin, end] = data.window, last = end - begin;
  const runs = G.signal.runs(group, 0, last, last);
  const green = (letter) => "Gg".includes(letter), red = (letter) => "rs".includes(letter);
  const cycles = [];
  for (const [a, b, letter] of runs) {
    const before = cycles.at(-1);
    if (red(letter) && (!before || before.green !== null)) cycles.push({ at: a, green: null, yellow: null, end: b });
    else if (before) {
      if (green(letter) && before.green === null) before.green = a;
      if (!green(letter) && before.green !== null && before.yellow === null) before.yellow = a;
      before.end = b;
    }
  }
  // A red that the window begins in is no begin of red.
  if (cycles.length && cycles[0].at === 0) cycles.shift();
  if (cycles.length < 2) return G.nothing(place);
  const highest = Math.max(...cycles.map((cycle) => cycle.end - cycle.at));
  const width = G.width(place), top = 26, bottom = 250, left = 42;
  const about = G.say("chart-purdue-about", { signal: G.apart(signal.id), group: G.apart(group.name), controller: G.apart(cell.name), situation: G.apart(situation.title), seed: cell.shown, share: G.number(group.onGreen, 0) });
  const svg = G.sheet(width, bottom + 28, about);
  const x = G.scale(0, last, left, width - G.margin), y = G.scale(0, highest, bottom, top);
  G.axisX(svg, x, top, bottom, "", G.timeTicks(0, last, begin, width < 560 ? 4 : 8), (tick) => G.clock(begin + tick));
  G.axisY(svg, y, left, width - 10, G.say("chart-cycle-second"), G.ticks(0, highest, 5), (tick) => G.number(tick, 0));
  const line = (key) => {
    let d = "";
    // The window cuts the last cycle off, so its end is none.
    cycles.slice(0, -1).forEach((cycle) => { const value = cycle[key]; if (value !== null) d += `${d ? "L" : "M"}${x(cycle.at).toFixed(1)} ${y(value - cycle.at).toFixed(1)}`; });
    return d;
  };
  svg.append(G.svg("path", { d: line("end"), class: "cycle-end" }), G.svg("path", { d: line("green"), class: "cycle-green" }), G.svg("path", { d: line("yellow"), class: "cycle-yellow" }));
  let dots = "", at = 0, k = 0;
  for (const step of group.arrivals) {
    at += step;
    const time = at / 10;
    while (k + 1 < cycles.length && cycles[k + 1].at <= time) k++;
    if (time < cycles[k].at || time > cycles[k].end) continue;
    dots += `M${x(time).toFixed(1)} ${y(time - cycles[k].at).toFixed(1)}h0`;
  }
  svg.append(G.svg("path", { d: dots, class: "arrivals" }));
  G.show(place, svg);
  G.by("purdue-caption").textContent = about;
  return undefined;
};

// Queues over time: the longest queue of every approach's lanes, minute by minute, as lines over one another.
G.signal.queues = async () => {
  const place = G.by("queue-chart");
  const { situation, cell, data, signal } = await G.signal.chosen();
  G.by("queue-caption").textContent = "";
  if (!signal || !signal.queues || !signal.queues.length) return G.nothing(place);
  const [begin, end] = data.window, last = end - begin;
  const highest = Math.max(1, ...signal.queues.flatMap((queue) => queue.values));
  const width = G.width(place), top = 26, bottom = 230, left = 42;
  const about = G.say("chart-queue-about", { signal: G.apart(signal.id), controller: G.apart(cell.name), situation: G.apart(situation.title), seed: cell.shown });
  const svg = G.sheet(width, bottom + 28, about);
  const x = G.scale(0, last, left, width - G.margin), y = G.scale(0, highest, bottom, top);
  G.axisX(svg, x, top, bottom, "", G.timeTicks(0, last, begin, width < 560 ? 4 : 8), (tick) => G.clock(begin + tick));
  G.axisY(svg, y, left, width - 10, G.withUnit("queue"), G.ticks(0, highest, 5), (tick) => G.number(tick, 0));
  signal.queues.forEach((queue, k) => {
    const d = queue.values.map((value, i) => `${i ? "L" : "M"}${x(i * data.queueStep).toFixed(1)} ${y(value).toFixed(1)}`).join("");
    svg.append(G.svg("path", { d, class: "line", stroke: `var(--c${k % 6})`, "stroke-dasharray": ["", "7 3", "2 3", "9 3 2 3"][Math.floor(k / 6 + k) % 4] }, G.svg("title", {}, G.apart(queue.edge))));
  });
  G.show(place, svg);
  G.by("queue-caption").textContent = about;
  G.show(G.by("queue-legend"), ...signal.queues.map((queue, k) => {
    const key = G.svg("svg", { width: 30, height: 10, "aria-hidden": "true" }, G.svg("path", { d: "M0 5h30", class: "line", stroke: `var(--c${k % 6})`, "stroke-dasharray": ["", "7 3", "2 3", "9 3 2 3"][Math.floor(k / 6 + k) % 4] }));
    return G.el("li", {}, key, G.el("bdi", {}, queue.edge), " " + G.say("chart-queue-high", { most: G.number(Math.max(...queue.values), 0) }));
  }));
  return undefined;
};

// Whole minutes or parts of them inside a span of seconds since the begin of the window.
G.timeTicks = (from, to, begin, count) => {
  const step = [10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400].find((one) => (to - from) / one <= count) || 21600;
  const ticks = [];
  for (let at = Math.ceil((begin + from) / step) * step - begin; at <= to; at += step) ticks.push(at);
  return ticks;
};

// The signals of the situation's network, and the groups of the chosen one.
G.signal.choices = async () => {
  const { situation, cell } = G.view();
  const net = await G.unpack("net-" + situation.net);
  const select = G.by("signal-choice");
  const wanted = net.signals.map((one) => one[0]);
  if (wanted.join("\n") !== [...select.options].map((one) => one.value).join("\n")) {
    G.show(select, ...wanted.map((id) => G.el("option", { value: id }, id)));
  }
  const data = cell ? await G.unpack("cell-" + cell.number) : null;
  const signal = data && data.signals ? data.signals.find((one) => one.id === select.value) : null;
  const groups = G.by("group-choice"), before = groups.value;
  const named = signal ? signal.groups.filter((group) => group.arrivals && group.arrivals.length) : [];
  G.show(groups, ...named.map((group) => G.el("option", { value: group.name }, group.name)));
  if (named.some((group) => group.name === before)) groups.value = before;
  const slider = G.by("signal-time");
  if (data) {
    slider.max = Math.max(0, data.window[1] - data.window[0] - Math.min(300, data.window[1] - data.window[0]));
    G.by("signal-time-text").textContent = G.clock(data.window[0] + Number(slider.value));
    slider.setAttribute("aria-valuetext", G.by("signal-time-text").textContent);
  }
};
G.signal.draw = async () => {
  if (!G.by("signal-choice")) return;
  await G.signal.choices();
  await Promise.all([G.signal.timing(), G.signal.purdue(), G.signal.queues()]);
};
G.charts.push(G.signal.draw);
