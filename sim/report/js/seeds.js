"use strict";
// Every seed a dot: one row per controller, lines join the runs of one seed.
G.seeds = () => {
  const chart = G.by("seeds-chart");
  const choice = G.by("seeds-situation");
  if (!choice || !choice.value) return G.nothing(chart);
  const situation = G.data.situations[Number(choice.value)];
  const figure = document.querySelector("input[name=seeds-figure]:checked").value;
  const at = G.data.runColumns.indexOf(figure);
  const rows = situation.cells.map((cell) => ({
    name: cell.name,
    dots: cell.runs.map((run) => ({ seed: run[0], gridlock: run[2] === true, value: run[at] })).filter((dot) => dot.value !== null),
  }));
  const values = rows.flatMap((row) => row.dots.map((dot) => dot.value));
  if (!values.length) { G.nothing(chart); G.by("seeds-caption").textContent = ""; return undefined; }
  const width = G.width(chart), narrow = width < 560;
  const left = narrow ? 12 : Math.min(240, Math.max(90, Math.max(...rows.map((row) => [...row.name].length)) * 6.8 + 16));
  const step = narrow ? 58 : 44, top = narrow ? 26 : 12;
  const bottom = top + step * rows.length, height = bottom + 44;
  const low = Math.min(...values), high = Math.max(...values), room = (high - low || Math.abs(high) || 1) * 0.04;
  const x = G.scale(Math.max(low >= 0 ? 0 : -Infinity, low - room), high + room, left + 8, width - 14);
  const means = rows.map((row) => row.dots.length ? row.dots.reduce((sum, dot) => sum + dot.value, 0) / row.dots.length : null);
  const digits = G.data.digits[figure];
  const about = G.say("chart-seeds-about", {
    figure: G.withUnit(figure), situation: G.apart(situation.title),
    means: rows.map((row, k) => G.apart(row.name) + " " + G.number(means[k], digits)).join("; "),
  });
  const svg = G.sheet(width, height, about);
  const ticks = G.ticks(x.from, x.to, narrow ? 4 : 7);
  G.axisX(svg, x, top - 4, bottom, G.withUnit(figure), ticks, (tick) => G.number(tick, ticks.digits));
  const middle = (k) => top + step * (k + 0.5);
  // Thin lines between neighbouring rows: the same seed.
  const lines = rows.slice(1).map((row, k) => {
    const above = new Map(rows[k].dots.map((dot) => [dot.seed, dot.value]));
    return row.dots.filter((dot) => above.has(dot.seed))
      .map((dot) => `M${x(above.get(dot.seed)).toFixed(1)} ${middle(k)}L${x(dot.value).toFixed(1)} ${middle(k + 1)}`).join("");
  });
  svg.append(G.svg("path", { d: lines.join(""), class: "pairs" }));
  rows.forEach((row, k) => {
    const y = middle(k), colour = "var(--c" + (k % 6) + ")";
    if (narrow) svg.append(G.text(left, y - 15, G.fit(row.name, width - 24)));
    else svg.append(G.text(left - 8, y + 4, G.fit(row.name, left - 12), { "text-anchor": "end" }));
    for (const dot of row.dots) {
      const mark = dot.gridlock
        ? G.svg("path", { d: `M${x(dot.value) - 5} ${y - 5}l10 10m0 -10l-10 10`, stroke: colour, class: "cross" })
        : G.svg("circle", { cx: x(dot.value), cy: y, r: 4.5, fill: colour, class: "dot" });
      const said = `${row.name}, ${G.say("chart-seed")} ${dot.seed}: ${G.number(dot.value, digits)}` + (dot.gridlock ? ", " + G.say("chart-gridlock") : "");
      mark.append(G.svg("title", {}, said));
      svg.append(mark);
    }
    if (means[k] !== null) svg.append(G.svg("line", { x1: x(means[k]), x2: x(means[k]), y1: y - 13, y2: y + 13, stroke: colour, class: "mean" }));
  });
  G.show(chart, svg);
  G.by("seeds-caption").textContent = about + (rows.some((row) => row.dots.some((dot) => dot.gridlock)) ? " × = " + G.say("chart-gridlock") + "." : "");
  return undefined;
};
G.charts.push(G.seeds);

// The table behind the dots is built when it is opened.
G.runs = () => {
  if (!G.by("runs").open) return;
  const figures = G.data.runColumns.slice(4);
  const columns = [[G.say("chart-situation")], [G.say("chart-controller")], [G.say("chart-seed"), { digits: 0 }], [G.say("chart-status")],
    [G.called("gridlocks")], ...figures.map((key) => [G.withUnit(key), { digits: G.data.digits[key], term: key }]), [G.say("chart-run-key")]];
  const rows = G.data.situations.flatMap((situation) => situation.cells.flatMap((cell) => cell.runs.map((run) =>
    [situation.title, cell.name, run[0], run[1] === "done" ? "done" : run[1] + (cell.reasons[run[3]] ? ": " + cell.reasons[run[3]] : ""), run[2] ? "×" : "", ...run.slice(4), run[3]])));
  G.show(G.by("runs-table"), G.table(G.say("chart-all-runs"), columns, rows));
};
G.charts.push(G.runs);
