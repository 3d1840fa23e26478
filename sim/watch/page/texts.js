"use strict";
// Every word of the page in both languages; {name} is filled in.
const W = { lang: "en", state: null, paused: false };

W.texts = {
  skip: ["Skip to the content", "Zum Inhalt springen"],
  progress: ["Progress", "Fortschritt"],
  pause: ["Pause updates", "Aktualisierung anhalten"],
  paused: ["Paused. The batch goes on.", "Angehalten. Die Läufe gehen weiter."],
  results: ["Results so far", "Ergebnisse bisher"],
  "no-results": ["No run is finished yet.", "Noch ist kein Lauf fertig."],
  "results-about": [
    "Mean over the finished seeds ± standard deviation. Delay: time lost against free driving, waiting to get in included, over every vehicle scheduled. Floor: the same without signals and conflicts.",
    "Mittel über die fertigen Startwerte ± Standardabweichung. Verlustzeit: Zeitverlust gegenüber freier Fahrt einschließlich des Wartens auf Einfahrt, über alle vorgesehenen Fahrzeuge. Untergrenze: dasselbe ohne Signale und Konflikte."],
  running: ["Runs under way", "Laufende Simulationen"],
  failures: ["Runs without a result", "Läufe ohne Ergebnis"],
  "failures-about": ["The same command tries them again.", "Derselbe Befehl versucht sie noch einmal."],
  more: ["… and {n} more", "… und {n} weitere"],
  map: ["Map", "Karte"],
  "map-show": ["Show", "Zeige"],
  "map-figure": ["Figure", "Größe"],
  "map-view": ["Part of the map", "Kartenausschnitt"],
  "map-in": ["Closer", "Näher"],
  "map-out": ["Farther", "Weiter weg"],
  "map-west": ["West", "Westen"],
  "map-north": ["North", "Norden"],
  "map-south": ["South", "Süden"],
  "map-east": ["East", "Osten"],
  "map-whole": ["Whole net", "Ganzes Netz"],
  "map-table": ["The 20 highest as a table", "Die 20 höchsten als Tabelle"],
  "map-table-about": ["Edges with the highest figures", "Kanten mit den höchsten Werten"],
  "map-about": ["Map of the network: {figure}. {note}", "Karte des Netzes: {figure}. {note}"],
  "map-none": ["Nothing to show yet.", "Noch nichts zu zeigen."],
  "map-auto": ["Automatic: what is running, else the first result", "Automatisch: was läuft, sonst das erste Ergebnis"],
  "map-now": ["running: {name}", "läuft: {name}"],
  "map-mean": ["results: {name}", "Ergebnisse: {name}"],
  "map-waiting": ["Nothing has come from this run yet; that takes some seconds. Runs on cluster workers without a shared folder cannot be shown.",
    "Von diesem Lauf ist noch nichts da; das dauert einige Sekunden. Läufe auf Cluster-Rechnern ohne gemeinsamen Ordner können nicht gezeigt werden."],
  "map-live-note": ["{name}, at {time}: {vehicles} vehicles under way, {standing} of them standing, {waiting} waiting to get in. Delay so far of those under way: {delay} s/veh.",
    "{name}, um {time}: {vehicles} Fahrzeuge unterwegs, davon stehen {standing}, {waiting} warten auf Einfahrt. Verlustzeit der Fahrzeuge unterwegs bisher: {delay} s/Fz."],
  "map-mean-note": ["{name}: mean over {seeds} finished runs.", "{name}: Mittel über {seeds} fertige Läufe."],
  "map-mean-note-1": ["{name}: one finished run.", "{name}: ein fertiger Lauf."],
  faults: ["Left out", "Ausgelassen"],
  lost: ["The server does not answer; it was ended or this machine is busy. The figures are old.",
    "Der Server antwortet nicht; er wurde beendet oder der Rechner ist ausgelastet. Die Zahlen sind alt."],
  "head-none": ["Waiting for a batch", "Warten auf Läufe"],
  "head-run": ["{done} of {total} runs done, {left} left", "{done} von {total} Läufen fertig, noch {left}"],
  "head-start": ["{done} of {total} runs done", "{done} von {total} Läufen fertig"],
  "head-idle": ["No batch is running; {done} of {total} runs done", "Es läuft nichts; {done} von {total} Läufen fertig"],
  "head-over": ["Finished: {done} runs done", "Fertig: {done} Läufe"],
  title: ["{share} – Grünband watch", "{share} – Grünband watch"],
  about: ["about {t}", "etwa {t}"],
  counts: ["{done} done, {running} running, {waiting} waiting, {failed} failed (floor runs included).",
    "{done} fertig, {running} laufen, {waiting} warten, {failed} gescheitert (mit den Läufen der Untergrenze)."],
  alive: ["Batch {name} is running. {message}", "Lauf {name} ist aktiv. {message}"],
  dead: ["Batch {name} has ended without finishing; the same command goes on.", "Lauf {name} wurde abgebrochen; derselbe Befehl setzt ihn fort."],
  "say-progress": ["{done} of {total} runs done, {failed} failed.", "{done} von {total} Läufen fertig, {failed} gescheitert."],
  scenario: ["scenario", "Szenario"], controller: ["controller", "Steuerung"], seed: ["seed", "Startwert"], scale: ["scale", "Nachfragefaktor"],
  simulated: ["simulated", "simuliert"], vehicles: ["vehicles", "Fahrzeuge"], elapsed: ["so far", "bisher"], left: ["left", "noch"],
  delay: ["delay [s/veh]", "Verlustzeit [s/Fz]"], control_delay: ["control delay [s/veh]", "Steuerungsverlust [s/Fz]"],
  floor: ["floor [s/veh]", "Untergrenze [s/Fz]"], seeds: ["seeds done", "Startwerte fertig"],
  failed: ["failed", "gescheitert"], gridlocks: ["gridlocks", "Blockaden"],
  status: ["status", "Status"], reason: ["reason", "Grund"], timeout: ["timeout", "Zeitlimit"],
  of: ["{a} of {b}", "{a} von {b}"], edge: ["edge", "Kante"], road: ["road", "Straße"], value: ["value", "Wert"],
  run: ["{scenario}, {controller}, seed {seed}", "{scenario}, {controller}, Startwert {seed}"],
  cell: ["{scenario}, {controller}", "{scenario}, {controller}"], scaled: ["{name}, scale {scale}", "{name}, Faktor {scale}"],
  "figure-delay": ["delay per vehicle [s/veh]", "Verlustzeit je Fahrzeug [s/Fz]"],
  "figure-sofar": ["delay so far of those there [s/veh]", "Verlustzeit bisher der Fahrzeuge dort [s/Fz]"],
  "figure-standing": ["standing vehicles", "stehende Fahrzeuge"],
  "figure-vehicles": ["vehicles", "Fahrzeuge"],
  "figure-speed": ["mean speed [m/s]", "mittlere Geschwindigkeit [m/s]"],
  "figure-spillback": ["edge full [s]", "Kante voll [s]"],
  "figure-flow": ["flow [veh/h]", "Verkehrsstärke [Fz/h]"],
};

W.by = (id) => document.getElementById(id);
W.say = (key, values = {}) =>
  W.texts[key][W.lang === "de" ? 1 : 0].replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));

// Names from files keep their own writing direction inside our sentences, and cannot turn ours round.
W.plain = (text) => String(text).replace(/[\u202a-\u202e\u2066-\u2069]/g, "");
W.apart = (text) => "\u2068" + W.plain(text) + "\u2069";
W.number = (value, digits = 1) => {
  if (value === null || value === undefined || !Number.isFinite(Number(value))) return "–";
  return Number(value).toLocaleString(W.lang === "de" ? "de-DE" : "en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits });
};
W.span = (seconds) => {
  if (seconds === null || seconds === undefined) return "–";
  const whole = Math.round(seconds), hours = Math.floor(whole / 3600), part = (value) => String(value).padStart(2, "0");
  const minutes = Math.floor(whole / 60) % 60;
  return (hours ? hours + ":" + part(minutes) : String(minutes)) + ":" + part(whole % 60);
};
W.clock = (seconds) => [3600, 60, 1].map((unit) => String(Math.floor(seconds / unit) % (unit === 3600 ? 1e6 : 60)).padStart(2, "0")).join(":");
W.named = (run) => {
  const values = { scenario: W.apart(run.scenario), controller: W.apart(run.controller), seed: run.seed };
  const name = W.say(run.seed === undefined ? "cell" : "run", values);
  return run.scale === 1 ? name : W.say("scaled", { name, scale: W.number(run.scale, 2) });
};
