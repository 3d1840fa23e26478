"use strict";
// Wires the controls and draws for the first time.
for (const button of G.all("[data-language]")) button.addEventListener("click", () => G.speak(button.dataset.language));
for (const table of G.all("table.sortable")) G.sortable(table);
G.tips();
for (const control of G.all("#seeds select, #seeds input")) control.addEventListener("change", G.seeds);
if (G.by("runs")) G.by("runs").addEventListener("toggle", G.runs);
if (G.by("view-situation")) {
  G.viewControllers();
  G.by("view-situation").addEventListener("change", () => { G.viewControllers(); G.redraw(); });
  G.by("view-controller").addEventListener("change", () => G.redraw());
  for (const control of G.all("input[name=map-figure]")) control.addEventListener("change", G.map.draw);
  G.by("corridor-choice").addEventListener("change", G.corridor.draw);
  G.by("corridor-time").addEventListener("input", G.corridor.draw);
  G.by("signal-choice").addEventListener("change", G.signal.draw);
  G.by("group-choice").addEventListener("change", G.signal.purdue);
  G.by("signal-time").addEventListener("input", G.signal.draw);
  const press = (id, act) => G.by("map-" + id).addEventListener("click", act);
  press("in", () => G.map.zoom(1 / 1.5)); press("out", () => G.map.zoom(1.5)); press("whole", G.map.whole);
  press("west", () => G.map.move(-1, 0)); press("east", () => G.map.move(1, 0));
  press("north", () => G.map.move(0, -1)); press("south", () => G.map.move(0, 1));
  G.by("map-table-box").addEventListener("toggle", G.map.draw);
}
{
  const page = document.documentElement;
  const wanted = page.dataset.fixed === "1" ? page.lang : (navigator.language || "en").toLowerCase().startsWith("de") ? "de" : "en";
  G.speak(wanted);
  let width = innerWidth;
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; G.redraw(); } });
  addEventListener("beforeprint", () => { for (const details of G.all("details[data-print]")) details.open = true; });
}
