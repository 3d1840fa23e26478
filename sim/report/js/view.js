"use strict";
// What the diagrams show: one situation and one controller, chosen once for all of them.
G.view = () => {
  const situation = G.data.situations[Number(G.by("view-situation").value)];
  const cell = situation.cells.find((one) => String(one.number) === G.by("view-controller").value);
  return { situation, cell: cell && cell.shown !== null ? cell : null };
};

// The controllers of the chosen situation; the one of before stays chosen if it is there too.
G.viewControllers = () => {
  const select = G.by("view-controller");
  const before = select.selectedOptions.length ? select.selectedOptions[0].textContent : null;
  const cells = G.data.situations[Number(G.by("view-situation").value)].cells;
  G.show(select, ...cells.map((cell) => G.el("option", { value: cell.number }, cell.name)));
  const same = cells.find((cell) => cell.name === before);
  if (same) select.value = String(same.number);
};
