"use strict";
// Text from the model reaches the page as text. The drawings are made by the server, which escapes what is in them.
const at = id => document.getElementById(id);
let now = null;
let asked = 0;

function element(name, text, given = {}, ...children) {
  const made = document.createElement(name);
  if (text !== null) made.textContent = text;
  Object.assign(made, given);
  made.append(...children);
  return made;
}

async function ask(question, given = {}) {
  const answer = await fetch(`/api/${question}?${new URLSearchParams(given)}`);
  const value = await answer.json();
  if (!answer.ok) throw new Error(value.error);
  return value;
}

function fail(problem) {
  at("said").textContent = "";
  at("error").textContent = problem.message;
  at("error").hidden = false;
}

function address(link) { return `/state/${link}`; }

async function go(link, { push = true } = {}) {
  at("error").hidden = true;
  const ticket = ++asked;
  let state;
  try { state = await ask("state", { state: link }); } catch (problem) { return fail(problem); }
  if (ticket !== asked) return;
  now = state;
  if (push) history.pushState(null, "", address(state.link));
  show(state);
  try {
    const near = await ask("neighbourhood", { state: state.link });
    if (ticket === asked) draw(near);
  } catch (problem) { fail(problem); }
}

function show(state) {
  document.body.dataset.state = state.link;
  at("permalink").href = address(state.link);
  at("back").disabled = state.steps === 0;
  at("depth").textContent = state.steps ? `after ${state.steps} step${state.steps === 1 ? "" : "s"}` : "(initial)";
  at("wrong").textContent = [...state.wrong.map(w => `\u2717 ${w}`), ...(state.deadlock ? ["deadlock: no step is possible"] : [])].join("; ");
  at("tables").replaceChildren(...state.tables.map(table));
  at("actions").replaceChildren(...state.actions.map(action));
  if (state.problem) fail(new Error(state.problem));
  at("run").replaceChildren(...state.run.map(step => {
    const link = element("a", step.call);
    link.addEventListener("click", () => go(step.link));
    return element("li", null, {}, link);
  }));
  at("run").scrollTop = at("run").scrollHeight;
  at("sequence").replaceChildren();
}

function table(given) {
  const made = element("table", null);
  if (given.columns.length) {
    made.append(element("tr", null, {}, element("th", ""), ...given.columns.map(c => element("th", c))));
  }
  for (const row of given.rows) {
    const cells = row.cells.map(cell => {
      const lines = cell.lines.map(line => element("div", line));
      return element("td", null, { className: cell.changed ? "changed" : "" }, ...lines);
    });
    made.append(element("tr", null, {}, element("th", row.name), ...cells));
  }
  return made;
}

function action(given) {
  const told = given.why || given.changes.join("\n");
  const made = element("button", given.call, { disabled: given.link === null, type: "button" }, element("span", told, { className: "changes" }));
  made.style.borderLeftColor = given.colour;
  if (given.link !== null) made.addEventListener("click", () => go(given.link));
  return made;
}

function draw(near) {
  at("near").innerHTML = near.svg;
  at("more").textContent = near.more ? `and ${near.more} more that are not drawn` : "";
  for (const g of at("near").querySelectorAll("g.node")) {
    const title = g.querySelector("title").textContent;
    const number = g.dataset.node ?? (/^n(\d+)$/.exec(title) || [])[1];
    if (number !== undefined) g.addEventListener("click", () => go(near.links[Number(number)]));
  }
}

async function work(button, question, given) {
  button.disabled = true;
  at("error").hidden = true;
  at("said").textContent = "looking ...";
  const watch = setInterval(async () => {
    const seen = await ask("progress").catch(() => ({}));
    if (seen.states) at("said").textContent = `looking ... ${seen.states.toLocaleString("en")} states, ${seen.levels} levels`;
  }, 500);
  try {
    const answer = await ask(question, given);
    if (answer.found) await go(answer.found);
    at("said").textContent = answer.said;
  } catch (problem) { fail(problem); }
  clearInterval(watch);
  button.disabled = false;
}

at("back").addEventListener("click", () => { if (now && now.run.length > 1) go(now.run[now.run.length - 2].link); });
at("start").addEventListener("click", () => go(""));
at("counterexample").addEventListener("click", e => work(e.target, "counterexample", {}));
at("search").addEventListener("submit", e => {
  e.preventDefault();
  work(e.target.querySelector("button"), "search", { q: at("condition").value });
});
at("draw").addEventListener("click", async () => {
  try { at("sequence").innerHTML = (await ask("run", { state: now.link })).svg; } catch (problem) { fail(problem); }
});
addEventListener("popstate", () => go(named(), { push: false }));

function named() { return location.pathname.startsWith("/state/") ? decodeURIComponent(location.pathname.slice(7)) : ""; }

ask("about").then(about => {
  at("model").textContent = about.model;
  document.title = about.model;
  at("condition").title = `its variables: ${about.variables.join(", ")}`;
}).catch(fail);
go(named(), { push: false });
