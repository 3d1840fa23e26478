"use strict";
// Wires the controls and draws for the first time.
for (const button of G.all("[data-language]")) button.addEventListener("click", () => G.speak(button.dataset.language));
for (const table of G.all("table.sortable")) G.sortable(table);
G.tips();
for (const control of G.all("#seeds select, #seeds input")) control.addEventListener("change", G.seeds);
if (G.by("runs")) G.by("runs").addEventListener("toggle", G.runs);
{
  const page = document.documentElement;
  const wanted = page.dataset.fixed === "1" ? page.lang : (navigator.language || "en").toLowerCase().startsWith("de") ? "de" : "en";
  G.speak(wanted);
  let width = innerWidth;
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; G.redraw(); } });
  addEventListener("beforeprint", () => { for (const details of G.all("details[data-print]")) details.open = true; });
}
