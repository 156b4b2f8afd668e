"use strict";
// Polls the state of a run, once a second while it is running, and shows it. Controlling a run needs the token.

const EVERY = 1000, CALM = 5000, PATIENCE = 60000;
const KEPT = 600, GAP = 3 * CALM / 1000; // seconds of the rate that are shown; seconds without a value that break the curve
const at = (id) => document.getElementById(id);
const node = (name, text, more) => Object.assign(document.createElement(name), { textContent: text, ...more });
const number = (n) => n.toLocaleString("en-US");
const rate = (n) => (n < 1000 ? n.toFixed(1) : number(Math.round(n))) + "/s";
const moment = (time) => time.replace("T", " ").replace("Z", "");
const percent = (part, whole) => (whole > 0 ? Math.floor((100 * part) / whole) + "%" : "–");

let token = sessionStorage.getItem("token");
let etag = null; // of the shown state
let asked = 0; // number of the last request; answers to earlier ones are ignored
let gone = null; // since when the service has not answered
let known = {}; // the run as last shown
let rates = []; // of that run: [second, messages per second]
let timer;

function length(seconds) {
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const first = units.findIndex(([unit]) => unit <= Math.max(seconds, 1));
  const [[unit, name], next] = [units[first], units[first + 1]];
  const rest = next ? Math.floor((seconds % unit) / next[0]) : 0;
  return `${Math.floor(seconds / unit)} ${name}` + (rest ? ` ${rest} ${next[1]}` : "");
}

// Writes only what changed, so that a selection or the focus is not lost.
function write(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

function markup(place, html) {
  if (place.made !== html) place.innerHTML = place.made = html;
}

function list(place, parts, key) {
  const made = JSON.stringify(key);
  if (place.made === made) return;
  place.made = made;
  place.replaceChildren(...parts());
}

function wanted() {
  return decodeURIComponent(location.hash.slice(1));
}

async function ask(path, options = {}) {
  const headers = { ...options.headers };
  if (token) headers.Authorization = `Bearer ${token}`;
  return fetch(path, { ...options, headers, cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
}

async function look() {
  clearTimeout(timer);
  const mine = ++asked;
  let pause = EVERY;
  try {
    const headers = etag ? { "If-None-Match": etag } : {};
    const answer = await ask(wanted() ? `live/${encodeURIComponent(wanted())}` : "live", { headers });
    if (mine !== asked) return;
    if (answer.status === 401) {
      locked(token ? "This token is wrong." : "This service requires a token.");
      return;
    }
    if (answer.status !== 304) {
      const body = await answer.json();
      if (mine !== asked) return;
      if (!answer.ok) throw new Error(body.error);
      etag = answer.headers.get("ETag");
      show(body);
    }
    back();
    trace();
    pause = known.finished_at || !known.run ? CALM : EVERY;
  } catch (error) {
    if (mine !== asked) return;
    lost(error);
  }
  // A hidden page does not poll; it polls at once when it becomes visible.
  if (!document.hidden) timer = setTimeout(look, pause);
}

function lost(error) {
  gone ??= new Date();
  const words = error.name === "TypeError" || error.name === "TimeoutError" ? "The service has not answered" : `The service has been reporting an error (${error.message})`;
  const since = gone.toISOString().slice(11, 19);
  write(at("gone"), `${words} since ${since} UTC. This page shows the state at that time and keeps trying to reach the service.`);
  at("gone").hidden = false;
  document.body.classList.add("stale");
}

function back() {
  if (gone) write(at("news"), "The service is answering again.");
  gone = null;
  at("gone").hidden = true;
  document.body.classList.remove("stale");
}

function locked(words) {
  sessionStorage.removeItem("token");
  token = etag = null;
  at("run").hidden = true;
  at("runs").replaceChildren();
  at("runs").made = null;
  write(at("empty"), words);
  at("empty").hidden = at("changes").hidden = false;
  keys();
}

function show({ runs, shown }) {
  const current = shown && shown.run;
  list(at("runs"), () => runs.map((run) => {
    const link = node("a", run.run, { href: "#" + encodeURIComponent(run.run) });
    const part = run.sendable ? `, ${percent(run.settled, run.sendable)}` : "";
    link.append(node("small", `${run.stage}${part} · ${moment(run.created_at)}`));
    if (run.run === current) link.ariaCurrent = "page";
    const item = node("li", "");
    item.append(link);
    return item;
  }), [runs, current]);
  at("run").hidden = !shown;
  at("empty").hidden = !!shown;
  at("changes").hidden = !shown || shown.over;
  if (!current || known.run !== current) rates = [];
  if (!shown) {
    known = {};
    return write(at("empty"), wanted() ? `There is no run ${wanted()}.` : "No run has started yet. The first one will appear here.");
  }
  showRun(shown);
  known = shown;
  keys();
}

function capital(words) {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function showRun(run) {
  if (known.run === run.run && known.stage !== run.stage) write(at("news"), `${run.run}: ${run.stage}`);
  const { accepted, delivered, read, settled, sendable } = run.counts;
  document.title = `${sendable && !run.over ? percent(settled, sendable) + " · " : ""}${run.run}`;
  write(at("name"), run.run);
  const facts = [["Now", run.stage], ["Provider", run.provider], ["Channel", run.channel], ["Due", run.due_at], ["Started", run.started_at], ["Finished", run.finished_at]];
  list(at("facts"), () => facts.filter(([, value]) => value).map(([name, value]) => {
    const fact = node("span", name + " ");
    fact.append(node("b", /^\d{4}-/.test(value) ? moment(value) : value));
    return fact;
  }), facts);
  const notices = [];
  const details = run.stage_details ?? "";
  if (run.halted && !details.includes(run.halted)) notices.push(`Stopped: ${run.halted}`);
  if (details) notices.push(capital(details));
  if (run.waiting) notices.push(`${number(run.waiting.rows)} ${run.waiting.rows === 1 ? "row is waiting; it" : "rows are waiting; the first"} is due at ${moment(run.waiting.first_at)}.`);
  if (run.states.uncertain) notices.push(`${number(run.states.uncertain)} ${run.states.uncertain === 1 ? "row is uncertain: the provider may have accepted the message. To see it" : "rows are uncertain: the provider may have accepted the messages. To list them"}: campaigner status ${run.run}`);
  list(at("notices"), () => notices.map((words) => node("p", words, { className: "card notice" })), notices);
  const headlines = [
    ["Accepted", number(accepted), `${percent(accepted, sendable)} of sendable rows`],
    ["Delivered", number(delivered), `${percent(delivered, accepted)} of accepted`],
    ["Read", number(read), `${percent(read, accepted)} of accepted`],
  ];
  if (run.rate !== null) {
    headlines.push(["Rate now", run.rate_now === null ? "–" : rate(run.rate_now), "over the last few seconds"]);
    headlines.push(["Average rate", rate(run.rate), "since the start, including pauses"]);
    headlines.push(["Time left", length(run.eta_seconds), "at the average rate"]);
  }
  list(at("headlines"), () => headlines.map(([name, value, note]) => {
    const [card, words] = [node("div", "", { className: "card" }), node("dd", "")];
    words.append(node("b", value), note);
    card.append(node("dt", name), words);
    return card;
  }), headlines);
  markup(at("funnel"), run.funnel);
  markup(at("states"), run.states_table);
  list(at("errors"), () => run.errors.map((error) => {
    const [row, code, words] = [node("tr", ""), node("td", ""), node("td", error.sample, { className: "words" })];
    code.append(node("code", error.code));
    if (error.what_to_do) words.append(node("span", `What to do: ${error.what_to_do}`, { className: "todo soft" }));
    row.append(code, node("td", number(error.rows), { className: "number" }), words);
    return row;
  }), run.errors);
  at("errors").parentElement.hidden = run.errors.length === 0;
  at("no-errors").hidden = run.errors.length > 0;
  showWorkers(run.workers ?? []);
}

// The processes that send the run, if several can share the store.
function showWorkers(workers) {
  at("workers").hidden = workers.length === 0;
  list(at("workers").querySelector("tbody"), () => workers.map((worker) => {
    const row = node("tr", "");
    const share = worker.share_percent === null ? "–" : Math.round(worker.share_percent) + "%";
    const figures = [`${(worker.silent_ms / 1000).toFixed(1)} s ago`, number(worker.in_flight), number(worker.sent), share];
    row.append(node("td", `${worker.pid} on ${worker.host}`), node("td", worker.owner ? "owner" : "joined"));
    row.append(...figures.map((figure) => node("td", figure, { className: "number" })));
    return row;
  }), workers);
}

// Draws the rate over time, from the values that this page received.
function trace() {
  const now = Date.now() / 1000;
  if (typeof known.rate_now === "number") rates.push([now, known.rate_now]);
  rates = rates.filter(([second]) => second > now - KEPT);
  at("rates").hidden = known.over || rates.length < 2;
  if (at("rates").hidden) return;
  const first = rates[0][0], most = Math.max(...rates.map(([, value]) => value), 1);
  const unit = 10 ** Math.floor(Math.log10(most));
  const top = [1, 2, 5, 10].map((times) => times * unit).find((height) => height >= most);
  const curve = rates.map(([second, value], i) => {
    const step = i && second - rates[i - 1][0] < GAP ? "L" : "M";
    return `${step}${((1000 * (second - first)) / (now - first)).toFixed(1)} ${(100 - (100 * value) / top).toFixed(1)}`;
  });
  at("curve").querySelector("path").setAttribute("d", curve.join(""));
  write(at("curve").querySelector("desc"), `now ${rate(rates.at(-1)[1])}, highest ${rate(most)}`);
  list(at("heights"), () => [top, top / 2, 0].map((height) => node("span", height < 10 ? height : number(height))), top);
  const times = [first, now].map((second) => new Date(1000 * second).toISOString().slice(11, 19));
  list(at("times"), () => times.map((time) => node("span", time)), times);
}

// Shows the controls that are available now.
function keys() {
  at("key").hidden = !!token;
  at("orders").hidden = !token;
  const paused = !!known.paused_at;
  at("orders").elements.pause.disabled = paused;
  at("orders").elements.resume.disabled = !paused && !known.halted && !!known.work;
}

async function order(name, body) {
  const run = known.run;
  try {
    const answer = await ask(`runs/${encodeURIComponent(run)}/${name}`, { method: "POST", body: body && JSON.stringify(body) });
    const result = await answer.json();
    write(at("news"), answer.ok ? `${run}: ${{ pause: "the run will pause", resume: "the run will resume", cancel: "the run will be cancelled", rate: "the rate will change" }[name]} within about two seconds.` : `${run}: ${result.error}`);
    if (answer.status === 401) {
      sessionStorage.removeItem("token");
      token = null;
      keys();
    }
  } catch {
    write(at("news"), `${run}: the request may not have arrived; check the state of the run.`);
  }
  look();
}

at("key").addEventListener("submit", (event) => {
  event.preventDefault();
  token = at("token").value.trim();
  at("token").value = "";
  sessionStorage.setItem("token", token);
  keys();
  look();
});
at("orders").addEventListener("submit", (event) => {
  event.preventDefault();
  if (at("rate").value.trim()) order("rate", { rate: at("rate").value.trim() });
});
at("orders").addEventListener("click", ({ target }) => {
  if (target.name === "pause" || target.name === "resume") order(target.name);
  if (target.name === "cancel" && confirm(`Cancel ${known.run} for good? Requests in flight finish; nothing more is sent.`)) order("cancel");
  if (target.name === "forget") {
    sessionStorage.removeItem("token");
    token = null;
    keys();
  }
});
addEventListener("hashchange", () => {
  etag = null;
  look().then(() => at("name").focus());
});
document.addEventListener("visibilitychange", () => document.hidden || look());
look();
