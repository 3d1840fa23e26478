"use strict";
// Tables that change every second: rows and cells are kept and only what changed is written, so that a selection, the
// reading place of a screen reader and the scroll position stay.

// A column: its head, the text of a row's cell, whether it is a figure; or a number in [0, 1] that is drawn as a bar.
W.table = (table, columns, rows, key) => {
  const head = table.tHead.rows[0] || table.tHead.insertRow();
  columns.forEach((column, k) => {
    let cell = head.cells[k];
    if (!cell) {
      cell = document.createElement("th");
      cell.scope = "col";
      head.append(cell);
    }
    cell.className = column.figure ? "n" : "";
    W.write(cell, W.say(column.head));
  });
  while (head.cells.length > columns.length) head.lastElementChild.remove();
  const body = table.tBodies[0];
  const known = new Map([...body.rows].map((row) => [row.dataset.key, row]));
  rows.forEach((row, place) => {
    const name = key(row);
    const line = known.get(name) || W.line(name, columns);
    known.delete(name);
    if (body.rows[place] !== line) body.insertBefore(line, body.rows[place] || null);
    line.className = row.failed ? "failed" : "";
    columns.forEach((column, k) => {
      if (column.bar) W.bar(line.cells[k], column.bar(row), W.named(row));
      else W.write(line.cells[k].firstElementChild, column.text(row));
    });
  });
  for (const line of known.values()) line.remove();
};

W.line = (name, columns) => {
  const line = document.createElement("tr");
  line.dataset.key = name;
  columns.forEach((column, k) => {
    const cell = document.createElement(k === 0 ? "th" : "td");
    if (k === 0) cell.scope = "row";
    cell.className = column.kind || (column.figure ? "n" : "");
    cell.append(document.createElement(column.bar ? "progress" : "bdi"));
    if (column.bar) cell.append(document.createElement("span"));
    line.append(cell);
  });
  return line;
};

W.bar = (cell, share, label) => {
  const [bar, text] = cell.children;
  bar.max = 1;
  bar.value = share;
  if (bar.getAttribute("aria-label") !== label) bar.setAttribute("aria-label", label);
  W.write(text, Math.floor(share * 100) + " %");
};

W.write = (node, text) => {
  const plain = W.plain(text);
  if (node.textContent !== plain) node.textContent = plain;
};

W.list = (node, texts, kinds = []) => {
  while (node.children.length > texts.length) node.lastElementChild.remove();
  texts.forEach((text, k) => {
    const item = node.children[k] || node.appendChild(document.createElement("li"));
    item.className = kinds[k] || "";
    if (item.textContent !== text) item.textContent = text;
  });
};

// The choices of a select; the chosen one stays as long as it is offered.
W.choices = (select, choices) => {
  const wanted = JSON.stringify(choices);
  if (select.dataset.choices === wanted) return;
  const chosen = select.value;
  select.dataset.choices = wanted;
  select.replaceChildren(...choices.map(([value, text]) => {
    const option = document.createElement("option");
    option.value = value;
    option.textContent = text;
    return option;
  }));
  if (choices.some(([value]) => value === chosen)) select.value = chosen;
};
