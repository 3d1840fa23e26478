"use strict";
// Asks the server once a second and shows what it says; what did not change is not sent again.
W.tags = new Map();
W.said = { text: "", at: 0 };

W.ask = async (path) => {
  const known = W.tags.get(path);
  const answer = await fetch(path, { cache: "no-store", headers: known ? { "If-None-Match": known.tag } : {} });
  if (answer.status === 304) return known;
  if (!answer.ok) throw new Error(await answer.text());
  const fresh = { tag: answer.headers.get("ETag"), data: await answer.json() };
  if (W.tags.size > 20) W.tags.clear();
  W.tags.set(path, fresh);
  return fresh;
};

W.poll = async () => {
  try {
    if (!W.paused && !document.hidden) {
      const { data } = await W.ask("state");
      W.by("lost").hidden = true;
      if (data.fault) throw new Error(data.fault);
      W.state = data;
      W.show();
      await M.update();
    }
  } catch (error) {
    W.by("lost").hidden = false;
    W.write(W.by("lost"), error instanceof TypeError ? W.say("lost") : error.message);
  }
  setTimeout(W.poll, 1000);
};

W.show = () => {
  const { runs, running, cells, failures, batches, faults, left } = W.state;
  const alive = batches.some((batch) => batch.alive);
  const share = runs.total ? (runs.done + runs.failed + running.reduce((sum, run) => sum + run.fraction, 0)) / runs.total : 0;
  const values = { ...runs, left: left === null ? "" : W.say("about", { t: W.span(left) }) };
  const over = runs.total > 0 && runs.done === runs.total;
  const head = !runs.total ? "head-none" : alive ? (left === null ? "head-start" : "head-run") : over ? "head-over" : "head-idle";
  W.write(W.by("headline"), W.say(head, values));
  document.title = W.say("title", { share: Math.floor(share * 100) + " %" });
  W.write(W.by("folder"), W.state.folder);
  W.by("overall").value = share;
  W.write(W.by("share"), Math.floor(share * 100) + " %");
  W.write(W.by("counts"), W.say("counts", runs));
  W.list(W.by("batches"), batches.map((batch) => W.say(batch.alive ? "alive" : "dead", { name: W.apart(batch.name), message: batch.message && W.apart(batch.message) })), batches.map((batch) => (batch.alive ? "" : "dead")));
  W.announce(W.say("say-progress", runs));

  W.by("running-box").hidden = running.length === 0;
  W.table(W.by("running"), W.columns.running, running, (run) => run.key);
  W.by("no-results").hidden = cells.length > 0;
  W.by("results-box").hidden = cells.length === 0;
  W.table(W.by("results"), W.columns.results, cells, (cell) => cell.id || JSON.stringify([cell.scenario, cell.controller, cell.scale]));
  W.by("failures-section").hidden = failures.length === 0;
  W.table(W.by("failures"), W.columns.failures, failures, (run) => JSON.stringify([run.scenario, run.controller, run.scale, run.seed, run.reason]));
  W.write(W.by("failures-more"), W.state.failures_left_out ? W.say("more", { n: W.state.failures_left_out }) : "");
  W.by("faults-section").hidden = faults.length === 0;
  W.list(W.by("faults"), [...faults.map(W.apart), ...(W.state.faults_left_out ? [W.say("more", { n: W.state.faults_left_out })] : [])]);
};

// Told to a screen reader when a run has ended, but not more often than somebody can listen to.
W.announce = (text) => {
  if (text === W.said.text || Date.now() - W.said.at < 15000) return;
  W.said = { text, at: Date.now() };
  W.write(W.by("announce"), text);
};

W.who = [
  { head: "scenario", text: (row) => row.scenario },
  { head: "controller", text: (row) => row.controller },
  { head: "scale", text: (row) => W.number(row.scale, 2), figure: true },
];
W.seed = { head: "seed", text: (row) => String(row.seed), figure: true };
W.columns = {
  running: [
    ...W.who, W.seed,
    { head: "simulated", bar: (row) => row.fraction },
    { head: "vehicles", text: (row) => W.number(row.vehicles, 0), figure: true },
    { head: "elapsed", text: (row) => W.span(row.elapsed), figure: true },
    { head: "left", text: (row) => W.span(row.left), figure: true },
  ],
  results: [
    ...W.who,
    { head: "delay", text: (row) => W.number(row.delay) + (row.delay_sd === null ? "" : " ± " + W.number(row.delay_sd)), figure: true },
    { head: "control_delay", text: (row) => W.number(row.control_delay), figure: true },
    { head: "floor", text: (row) => W.number(row.floor), figure: true },
    { head: "seeds", text: (row) => W.say("of", { a: row.done, b: row.planned }), figure: true },
    { head: "failed", text: (row) => String(row.failed), figure: true },
    { head: "gridlocks", text: (row) => String(row.gridlocks), figure: true },
  ],
  failures: [
    ...W.who, W.seed,
    { head: "status", text: (row) => (row.status in W.texts ? W.say(row.status) : row.status) },
    { head: "reason", text: (row) => row.reason || "–", kind: "reason" },
  ],
};

W.speak = (language) => {
  W.lang = language;
  document.documentElement.lang = language;
  for (const button of document.querySelectorAll("[data-language]")) button.setAttribute("aria-pressed", String(button.dataset.language === language));
  for (const node of document.querySelectorAll("[data-t]")) node.textContent = W.say(node.dataset.t);
  for (const node of document.querySelectorAll("[data-label]")) {
    node.setAttribute("aria-label", W.say(node.dataset.label));
    if (node.tagName === "BUTTON") node.title = W.say(node.dataset.label);
  }
  if (!W.state) return;
  W.show();
  M.offer();
  if (M.net) M.colour();
};

for (const button of document.querySelectorAll("[data-language]")) button.addEventListener("click", () => W.speak(button.dataset.language));
W.by("pause").addEventListener("click", () => {
  W.paused = !W.paused;
  W.by("pause").setAttribute("aria-pressed", String(W.paused));
  W.write(W.by("announce"), W.paused ? W.say("paused") : "");
});
W.by("map-show").addEventListener("change", () => { if (W.state) M.update(); });
W.by("map-figure").addEventListener("change", () => { if (M.net) M.colour(); });
W.by("map-box").addEventListener("toggle", () => { if (M.net) M.colour(); });
for (const [name, act] of Object.entries({
  in: () => M.zoom(0.7), out: () => M.zoom(1 / 0.7), whole: () => { M.view = null; M.frame(); },
  west: () => M.move(-1, 0), east: () => M.move(1, 0), north: () => M.move(0, -1), south: () => M.move(0, 1),
})) W.by("map-" + name).addEventListener("click", () => { if (M.net) act(); });
new ResizeObserver(() => { if (M.net) M.frame(); }).observe(W.by("map-chart"));
W.speak((navigator.language || "en").toLowerCase().startsWith("de") ? "de" : "en");
W.poll();
