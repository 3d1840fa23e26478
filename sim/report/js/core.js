"use strict";
// Language, numbers, definitions on hover and focus, tables that sort. Everything else builds on G.
const G = { data: JSON.parse(document.getElementById("data").textContent), charts: [], lang: "en" };

G.by = (id) => document.getElementById(id);
G.all = (selector) => [...document.querySelectorAll(selector)];

// Names from files keep their own writing direction inside our sentences, and cannot turn ours round.
G.apart = (text) => "\u2068" + String(text).replace(/[\u202a-\u202e\u2066-\u2069]/g, "") + "\u2069";

G.say = (key, values = {}) =>
  G.data.texts[key][G.lang].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
G.called = (key) => G.data.names[key][G.lang];
G.unit = (key) => G.data.names[key]["unit_" + G.lang];
G.withUnit = (key) => G.called(key) + (G.unit(key) ? " [" + G.unit(key) + "]" : "");

G.number = (value, digits = 1) => {
  if (value === null || value === undefined || value === "" || !Number.isFinite(Number(value))) return "–";
  const text = Number(value).toFixed(digits).replace(/\B(?<!\.\d*)(?=(\d{3})+(?!\d))/g, "\u202f").replace("-", "−");
  return G.lang === "de" ? text.replace(".", ",") : text.replace(/\u202f/g, ",");
};

// HTML elements from plain text only: names from files never become markup.
G.el = (tag, attributes = {}, ...children) => G.fill(document.createElement(tag), attributes, children);
G.svg = (tag, attributes = {}, ...children) =>
  G.fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
G.fill = (node, attributes, children) => {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children.map((child) => typeof child === "string" ? child.replace(/[\u202a-\u202e\u2066\u2067]/g, "") : child));
  return node;
};

G.speak = (language) => {
  G.lang = language;
  document.documentElement.lang = language;
  for (const button of G.all("[data-language]"))
    button.setAttribute("aria-pressed", String(button.dataset.language === language));
  for (const cell of G.all("[data-n]")) cell.textContent = G.number(cell.dataset.n, Number(cell.dataset.d));
  for (const node of G.all("[data-label-en]"))
    node.setAttribute("aria-label", language === "de" ? node.dataset.labelDe : node.dataset.labelEn);
  G.redraw();
};

G.redraw = () => { for (const draw of G.charts) draw(); };

// Definitions: shown at the pointer's or the keyboard's place, gone with Escape.
G.tips = () => {
  const tip = G.by("tip");
  const show = (event) => {
    const place = event.target.closest("[data-term]");
    const source = place && G.by("def-" + place.dataset.term);
    if (!source) return;
    tip.textContent = (source.querySelector(".t[lang=" + G.lang + "]") || source).textContent;
    tip.hidden = false;
    const box = place.getBoundingClientRect();
    const left = Math.max(8, Math.min(box.left, innerWidth - tip.offsetWidth - 8));
    const below = box.bottom + 8 + tip.offsetHeight < innerHeight;
    tip.style.left = left + "px";
    tip.style.top = (below ? box.bottom + 6 : Math.max(8, box.top - tip.offsetHeight - 6)) + "px";
  };
  const hide = (event) => {
    if (event.type === "mouseout" && (tip.contains(event.relatedTarget) || document.activeElement === event.target)) return;
    tip.hidden = true;
  };
  document.addEventListener("mouseover", show);
  document.addEventListener("focusin", show);
  document.addEventListener("mouseout", hide);
  document.addEventListener("focusout", hide);
  tip.addEventListener("mouseleave", hide);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") tip.hidden = true; });
};

// A press on a head sorts by its column: first down for figures, up for names; empty cells stay last.
G.sortable = (table) => {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = head.querySelector("button.sort");
    if (button) button.addEventListener("click", () => {
      const before = head.getAttribute("aria-sort");
      const up = before === "none" ? !head.classList.contains("n") : before === "descending";
      for (const other of heads) if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const body = table.tBodies[0];
      const keyed = [...body.rows].map((row) => [G.sortKey(row.cells[column]), row]);
      keyed.sort(([a], [b]) => {
        if (a === null || b === null) return (a === null) - (b === null);
        const order = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), G.lang, { numeric: true });
        return up ? order : -order;
      });
      body.append(...keyed.map(([, row]) => row));
    });
  });
};
G.sortKey = (cell) => {
  if (cell.dataset.n === undefined) return cell.textContent.trim();
  return cell.dataset.n === "" ? null : Number(cell.dataset.n);
};

// A table from rows of the page's data; columns are [head, {term, digits}].
G.table = (caption, columns, rows) => {
  const table = G.el("table", { class: "sortable" }, G.el("caption", {}, caption));
  const heads = columns.map(([text, { digits, term } = {}]) => {
    const attributes = { type: "button", class: "sort" };
    if (term) Object.assign(attributes, { "data-term": term, "aria-describedby": "def-" + term });
    const head = { scope: "col", "aria-sort": "none" };
    if (digits !== undefined) head.class = "n";
    return G.el("th", head, G.el("button", attributes, text));
  });
  table.append(G.el("thead", {}, G.el("tr", {}, ...heads)));
  const body = G.el("tbody");
  for (const row of rows) {
    const line = G.el("tr");
    row.forEach((value, k) => {
      const { digits } = columns[k][1] || {};
      if (digits === undefined) line.append(G.el("td", {}, G.el("bdi", {}, value === null || value === "" ? "–" : String(value))));
      else line.append(G.el("td", { class: "n", "data-n": value === null ? "" : value, "data-d": digits }, G.number(value, digits)));
    });
    body.append(line);
  }
  table.append(body);
  G.sortable(table);
  return table;
};

// Large parts travel gzipped and are unpacked when somebody looks at them.
G.unpacked = new Map();
G.unpack = (id) => {
  if (!G.unpacked.has(id)) {
    const node = G.by(id);
    G.unpacked.set(id, node === null ? Promise.resolve(null) : (async () => {
      const bytes = Uint8Array.from(atob(node.textContent), (c) => c.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
      return JSON.parse(await new Response(stream).text());
    })());
  }
  return G.unpacked.get(id);
};
