// The page without this script shows a figure and a table of the layers. The script
// reads the layers from the table, and shows a figure whose scopes can be folded.
const $ = (id) => document.getElementById(`page-${id}`);
const make = (tag, attributes = {}, ...children) => {
  const { namespaceURI } = ["svg", "rect"].includes(tag) ? figure : document.body;
  const element = document.createElementNS(namespaceURI, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};
const figure = $("full").content.firstElementChild;
const [, , width, height] = figure.getAttribute("viewBox").split(" ").map(Number);

// Data

const sum = (values) => values.reduce((total, value) => total + Number(value), 0);
const layers = new Map();
for (const row of document.querySelectorAll("#page-layers tbody tr")) {
  const texts = [...row.cells].map((cell) => cell.textContent);
  const [path, op, output, , , , inputs, line] = texts;
  const [parameters, macs, activations] = texts.slice(3, 6).map((text) => text && Number(text.replaceAll(",", "")));
  layers.set(path, {
    path, op, output, inputs: inputs.split(" ").filter(Boolean), line, parameters, macs, activations,
    tensors: row.cells[3].title, unused: "unused" in row.dataset,
  });
}
const readers = new Map([...layers.keys()].map((path) => [path, []]));
for (const layer of layers.values()) {
  for (const input of layer.inputs) readers.get(input).push(layer.path);
}

// `x`, `y`, `w` and `h` are the place in the figure without anything folded.
const nodes = [], byPath = new Map(), runs = new Map();
for (const g of figure.querySelectorAll("g[data-kind]:not([data-to], [data-kind=folded])")) {
  const [x, y] = g.getAttribute("transform").match(/-?[\d.]+/g).map(Number);
  const shape = g.querySelector("rect, circle");
  const kind = g.dataset.kind;
  const size = (name) => Number(shape?.getAttribute(name) ?? 0);
  const h = kind === "sum" ? 2 * size("r") : kind === "output" ? 17 : size("height");
  const node = {
    g, shape, kind, x, y, h, w: kind === "sum" ? h : size("width"), path: g.id,
    look: shape?.getAttribute("class"), parent: byPath.get(g.dataset.in), run: null,
    own: g.dataset.heat && Number(g.dataset.heat),
  };
  nodes.push(node);
  byPath.set(g.id || g.dataset.of, node);
  if (g.dataset.run) {
    if (!runs.has(g.dataset.run)) runs.set(g.dataset.run, { one: true, members: [] });
    node.run = runs.get(g.dataset.run);
    node.run.members.push(node);
  }
}
const lines = [...figure.querySelectorAll("g[data-to]")].map((g) => ({
  g, kind: g.dataset.kind,
  source: byPath.get(g.dataset.from), target: byPath.get(g.dataset.to),
  points: g.dataset.points.split(" ").map((point) => point.split(",").map(Number)),
}));
const frames = nodes.filter((node) => node.kind === "frame");
const folded = new Set();

const around = function* (node) {
  for (let each = node; each; each = each.parent) yield each;
};
const isExtra = (node) => node.run?.one && node.run.members[0] !== node;
const isInside = (node, scope) => node !== scope && [...around(node)].includes(scope);
const isHidden = (node) =>
  [...around(node)].some((each) => isExtra(each) || (each !== node && folded.has(each)));
const runOf = (node) => [...around(node)].find((each) => each.run)?.run;
// The outermost folded scope that a node is in, or the node.
const shown = (node) => [...around(node)].reverse().find((each) => folded.has(each)) ?? node;

// The paths of the layers or scopes that a node represents.
const paths = (node) => {
  let found = [node.path];
  for (const { run } of around(node)) {
    if (!run?.one) continue;
    const first = run.members[0].path;
    found = run.members.flatMap((member) =>
      found.map((path) => member.path + path.slice(first.length)));
  }
  return found;
};
const inside = (scope) => [...layers.values()].filter(
  (layer) => !layer.unused && layer.path.startsWith(`${scope}.`));

// Places

const EDGE = 0.01, APART = 15, ROW = 8;

// Cut a line where it leaves a folded scope; the rest of it starts at the box.
const leave = (points, scope, bottom) => {
  const end = scope.y + scope.h;
  const rest = points.slice(points.findLastIndex(([, y]) => y < end + EDGE) + 1);
  return [[rest[0][0], bottom], [rest[0][0], end], ...rest];
};
const meets = (a, b, low, high) =>
  Math.max(Math.min(a, b), low + EDGE) <= Math.min(Math.max(a, b), high - EDGE);
// Cut a line where it enters a folded scope, from above or from the left.
const enter = (points, { x, y, w, h }, row) => {
  const place = points.findIndex(([x1, y1], place) => place &&
    meets(points[place - 1][0], x1, x, x + w) && meets(points[place - 1][1], y1, y, y + h));
  const [x0] = points[place - 1];
  if (x0 === points[place][0]) return [...points.slice(0, place), [x0, y]];
  const at = row();
  return [...points.slice(0, place - 1), [x0, at], [x, at]];
};

// Return the visible lines, cut at folded scopes, in the coordinates of `nodes`.
const cut = () => {
  const found = new Map(), rows = new Map();
  for (const line of lines) {
    let { source, target, points } = line, rank = 1, arrow = true, left = null;
    const extra = [...around(target)].reverse().find(isExtra);
    if (extra) {
      // The line from the first of a run to the second one ends at its frame.
      const first = extra.run.members[0];
      if (!isInside(source, first) || isHidden(first)) continue;
      const end = first.y + first.h;
      const last = points.findIndex(([, y]) => y > end - EDGE);
      points = [...points.slice(0, last), [points[last][0], end]];
      if (folded.has(first)) continue;
      [target, arrow] = [first, false];
    }
    const from = [...around(source)].reverse().find(isExtra);
    if (from && !extra) {
      if (isInside(target, from) || isHidden(from.run.members[0])) continue;
      left = from.run.members[0];
      rank += 2 + from.run.members.indexOf(from);
      source = byPath.get(left.path + source.path.slice(from.path.length));
      points = leave(points, from, left.y + (folded.has(left) ? left.folded : left.h));
    }
    const [start, end] = [shown(source), arrow ? shown(target) : target];
    if (start === end || isHidden(start) || isHidden(end)) continue;
    if (start !== source && start !== left) points = leave(points, start, start.y + start.folded);
    if (end !== target) {
      points = enter(points, end, () => {
        const used = rows.get(end) ?? rows.set(end, []).get(end);
        if (!used.includes(source)) used.push(source);
        return end.y + 10 + ROW * used.indexOf(source);
      });
    }
    const key = `${source.path} ${end.path || end.g.dataset.of} ${arrow}`;
    if (line.kind === "residual" && (end !== target || !arrow)) rank -= 0.5;
    if (!(found.get(key)?.rank >= rank)) found.set(key, { line, points, arrow, rank });
  }
  return [...found.values()];
};

// Return what maps a place in the full figure to its place without hidden parts.
const closing = (visible, cuts) => {
  const things = [];
  for (const node of visible) {
    if (folded.has(node)) things.push([node.y, node.y + node.folded, APART]);
    else if (node.kind === "frame" || node.kind === "unused") {
      things.push([node.y, node.y + 18, APART], [node.y + node.h - 7, node.y + node.h, APART]);
    } else things.push([node.y, node.y + node.h, APART]);
  }
  for (const { points } of cuts) {
    for (let place = 1; place < points.length; place++) {
      const [[x0, y0], [x1, y1]] = [points[place - 1], points[place]];
      if (y0 === y1 && x0 !== x1) things.push([y0, y0, ROW]);
    }
  }
  const hidden = [];
  for (const node of visible) {
    if (folded.has(node)) hidden.push([node.y + node.folded, node.y + node.h]);
    const last = node.run?.one && node.run.members.at(-1);
    if (last) hidden.push([node.y + node.h, last.y + last.h]);
  }
  let gone = [];
  for (const [low, high] of hidden) {
    let rest = [[low, high]];
    for (const [start, end, apart] of things) {
      if (start > high - EDGE || end < low + EDGE) continue;
      rest = rest.flatMap(([a, b]) => [[a, Math.min(b, start - apart)], [Math.max(a, end + apart), b]])
        .filter(([a, b]) => b > a);
    }
    gone.push(...rest);
  }
  gone.sort((one, two) => one[0] - two[0]);
  gone = gone.reduce((all, [a, b]) => {
    const last = all.at(-1);
    if (last && a <= last[1]) last[1] = Math.max(last[1], b);
    else all.push([a, b]);
    return all;
  }, []);
  return (y) => gone.reduce((at, [a, b]) => at - Math.max(0, Math.min(y, b) - a), y);
};

const number = (value) => String(Math.round(value * 100) / 100);
const towards = ([x, y], [x1, y1], by) => {
  const length = Math.abs(x1 - x) + Math.abs(y1 - y);
  const part = Math.min(by, length / 2) / length;
  return [x + (x1 - x) * part, y + (y1 - y) * part];
};
const write = (points) => points.map(number).join(" ");
const draw = (g, points, arrow) => {
  const [path, head] = g.children;
  const size = g.dataset.kind === "residual" ? 7 : 5.5;
  const ends = points.slice(-2), [[x0, y0], [x, y]] = ends;
  if (arrow) points = [...points.slice(0, -1), towards(ends[1], ends[0], size - 1)];
  let d = `M${write(points[0])}`;
  for (let place = 1; place < points.length - 1; place++) {
    const [before, corner, after] = points.slice(place - 1, place + 2);
    d += `L${write(towards(corner, before, 4))}Q${write(corner)} ${write(towards(corner, after, 4))}`;
  }
  path.setAttribute("d", `${d}L${write(points.at(-1))}`);
  head.toggleAttribute("hidden", !arrow);
  const [dx, dy] = [Math.sign(x - x0) * size, Math.sign(y - y0) * size];
  const corners = [[x - dx - dy / 2, y - dy - dx / 2], [x - dx + dy / 2, y - dy + dx / 2]];
  head.setAttribute("d", `M${write([x, y])}L${write(corners[0])}L${write(corners[1])}Z`);
};
// Leave out the points that are on a straight line.
const simple = (points) => points.reduce((kept, [x, y]) => {
  const same = (at) => kept.length > 1 && kept.at(-2)[at] === kept.at(-1)[at] && kept.at(-1)[at] === [x, y][at];
  if (same(0) || same(1)) kept.pop();
  if (kept.length && kept.at(-1)[0] === x && kept.at(-1)[1] === y) return kept;
  return [...kept, [x, y]];
}, []);

// Show the state of all scopes and runs.
const show = () => {
  const visible = nodes.filter((node) => {
    node.hidden = isHidden(node);
    node.g.toggleAttribute("hidden", node.hidden);
    return !node.hidden;
  });
  for (const node of visible) {
    const when = runOf(node)?.one ? "one" : "all";
    const isFolded = folded.has(node);
    for (const child of node.g.children) {
      const isBox = child.dataset.kind === "folded";
      const hides = isBox !== isFolded && child.getAttribute("class") !== "handle";
      child.toggleAttribute("hidden", hides || (child.dataset.when ?? when) !== when);
      if (isBox && !child.hasAttribute("hidden")) {
        node.box = child.firstElementChild;
        node.folded = Number(node.box.getAttribute("height"));
      }
    }
    if (node.kind === "frame") node.g.setAttribute("aria-expanded", String(!isFolded));
  }
  const cuts = cut(), at = closing(visible, cuts);
  for (const node of visible) {
    const y = at(node.y);
    node.g.setAttribute("transform", `translate(${number(node.x)} ${number(y)})`);
    if (node.kind === "frame" || node.kind === "unused") {
      node.shape.setAttribute("height", number(at(node.y + node.h) - y));
    }
  }
  for (const { g } of lines) g.setAttribute("hidden", "");
  for (const { line, points, arrow } of cuts) {
    const placed = simple(points.map(([x, y]) => [x, Math.round(at(y) * 100) / 100]));
    line.g.toggleAttribute("hidden", placed.length < 2);
    if (placed.length > 1) draw(line.g, placed, arrow);
  }
  figure.setAttribute("viewBox", `0 0 ${width} ${number(at(height))}`);
  colour(visible);
  for (const node of visible) {
    const layer = layers.get(node.path), all = paths(node);
    const name = all.length > 1 ? `${range(all)}, ${all.length} equal` : all[0];
    if (node.path) node.g.setAttribute("aria-label", layer ? `${name}, ${layer.op}, ${layer.output}` : name);
  }
  for (const button of $("detail").children) {
    button.setAttribute("aria-pressed", String(button.value === detail()));
  }
};
const detail = () => {
  if (!folded.size) return runs.size && [...runs.values()].every((run) => !run.one) ? "full" : "block";
  const outer = frames.filter((frame) => !frame.parent);
  return outer.length === folded.size && outer.every((frame) => folded.has(frame)) && "overview";
};
const setDetail = (name) => {
  folded.clear();
  for (const run of runs.values()) run.one = name !== "full";
  if (name === "overview") for (const frame of frames) if (!frame.parent) folded.add(frame);
  show();
};

// Change a state, and keep a node at its place in the window.
const change = (node, action) => {
  const { top } = node.g.getBoundingClientRect(), focused = document.activeElement;
  action();
  show();
  const kept = isExtra(node) ? node.run.members[0] : node;
  if (kept === node) scrollBy(0, node.g.getBoundingClientRect().top - top);
  if (focused.closest("#page-figure [hidden]")) focus(kept);
  if (chosen) card(chosen.hidden ? kept : chosen);
};
const toggle = (node) => change(node, () => folded.delete(node) || folded.add(node));
const toggleRun = (node) => {
  const owner = [...around(node)].find((each) => each.run);
  if (owner) change(owner, () => { owner.run.one = !owner.run.one; });
};
// Unfold what a layer or a scope is in, and focus it.
const reveal = (node) => {
  for (const each of around(node)) {
    if (each !== node) folded.delete(each);
    if (isExtra(each)) each.run.one = false;
  }
  show();
  focus(node);
};
const focus = (node) => {
  node.g.focus({ preventScroll: true });
  node.g.scrollIntoView({ block: "nearest", inline: "nearest" });
};

// Colours

const scaled = (value, base, units) => {
  let text = String(value), unit = units[0], size = 1;
  for (const larger of units.slice(1)) {
    if (Number(text) < base) break;
    size *= base;
    [text, unit] = [(value / size).toFixed(2), larger];
  }
  return text + unit;
};
const count = (value) => scaled(Math.round(value), 1000, ["", " k", " M", " G", " T", " P", " E"]);
const bytes = (value) => scaled(Math.round(value), 1024, [" B", " KiB", " MiB", " GiB", " TiB", " PiB"]);
const formats = {
  parameters: count, macs: count, activations: bytes,
  file: (value) => String(Number(value.toPrecision(4))),
};
const STEPS = 6;

// The layers that a node represents: a list for each scope or layer that is equal.
const groupsOf = (node) => paths(node).map((path) =>
  node.kind === "frame" ? inside(path) : [layers.get(path)].filter(Boolean));
// Return the number that colours a node. A stage has the sum of its layers, or the mean
// of the numbers of a file; equal nodes that are drawn as one have their mean.
const heatOf = (node, name) => {
  const isFile = name === "file";
  const mean = (values) => values.length ? sum(values) / values.length : null;
  const numbers = (paths) => paths.map((path) => byPath.get(path)?.own).filter((each) => each !== undefined);
  const own = isFile ? numbers(paths(node)) : [];
  if (own.length || (node.kind === "frame" && !folded.has(node))) return mean(own);
  const groups = groupsOf(node).map((group) => group.filter((layer) => layer[name] !== ""));
  if (isFile) return mean(numbers(groups.flat().map((layer) => layer.path)));
  const whole = node.kind === "frame" && node.run?.one ? node.run.members.length : 1;
  return groups.flat().length ? whole * mean(groups.map((group) => sum(group.map((layer) => layer[name])))) : null;
};
const colour = (visible) => {
  const quantity = $("heat").value, labels = new Map(), heats = new Map();
  if (quantity) for (const node of visible) {
    const heat = node.path ? heatOf(node, quantity) : null;
    if (heat !== null) heats.set(node, heat);
  }
  const low = Math.min(0, ...heats.values()), high = Math.max(0, ...heats.values());
  for (const node of visible) {
    if (!node.path) continue;
    const isFrame = node.kind === "frame" && !folded.has(node);
    let { look } = folded.has(node) ? node.g.dataset : node;
    if (heats.has(node)) {
      const part = high > low ? (heats.get(node) - low) / (high - low) : 0;
      look = `heat${Math.min(STEPS - 1, Math.trunc(part * STEPS))}`;
    } else if (quantity && !isFrame) look = "cold";
    (folded.has(node) ? node.box : node.shape).setAttribute("class", look);
    if (!quantity && !isFrame) labels.set(look, look);
  }
  if (quantity) {
    for (let step = 0; step < STEPS; step++) {
      labels.set(`heat${step}`, `≤ ${formats[quantity](low + (high - low) / STEPS * (step + 1))}`);
    }
  }
  $("legend").replaceChildren(...(quantity ? [make("b", {}, titleOf(quantity))] : []));
  for (const [look, label] of labels) {
    const rect = make("rect", { class: look, x: 1, y: 1, width: 12, height: 12, rx: 2 });
    const svg = make("svg", { viewBox: "0 0 14 14", "aria-hidden": true }, rect);
    $("legend").append(make("span", {}, svg, label));
  }
};

// Card

const range = (values) => {
  const found = [...new Set(values)];
  return found.length > 1 ? `${found[0]} … ${found.at(-1)}` : String(found[0] ?? "");
};
const titleOf = (name) => $("heat").querySelector(`[value=${name}]`).textContent;
const amount = (value, name) => {
  const exact = value.toLocaleString("en-US");
  return name === "activations" && value >= 1024 ? `${exact} (${bytes(value)})` : exact;
};
const button = (text, action) => {
  const made = make("button", { type: "button" }, text);
  made.addEventListener("click", action);
  return made;
};
let chosen = null;

// Show the card of a node, or no card.
const card = (node) => {
  chosen?.g.classList.remove("chosen");
  chosen = node;
  $("card").hidden = !node;
  if (!node) return;
  node.g.classList.add("chosen");
  const all = paths(node), groups = groupsOf(node), found = groups.flat();
  const run = runOf(node), isFrame = node.kind === "frame", list = make("dl");
  const fact = (title, ...values) => {
    if (values.some((value) => value !== "")) list.append(make("dt", {}, title), make("dd", {}, ...values));
  };
  const links = (paths) => paths.map((path) => make("a", { href: `#${path}` }, path));
  if (all.length > 1) fact("equal", `${all.length}: ${range(all)}`);
  if (!groups[0].length) fact("note", `rate 0${found.length ? " in the first" : ""}: not in the model`);
  if (isFrame) fact("layers", String(groups[0].length));
  else if (found.length) {
    fact("operation", range(found.map((layer) => layer.op)));
    fact("output", make("code", {}, range(found.map((layer) => layer.output))));
  }
  for (const name of found.length ? ["parameters", "macs", "activations"] : []) {
    const each = groups.map((group) => sum(group.map((layer) => layer[name])));
    const shared = all.length > 1 ? ` each, ${amount(sum(each), name)} in total` : "";
    fact(titleOf(name), range(each.map((value) => amount(value, name))) + shared);
  }
  const heat = $("heat").value === "file" ? heatOf(node, "file") : null;
  if (heat !== null) fact(titleOf("file"), formats.file(heat));
  if (!isFrame && found.length) {
    const [{ tensors, inputs, path }] = found;
    fact("tensors", ...tensors.split("; ").map((tensor) => tensor && make("code", {}, tensor)));
    fact("reads", ...links(inputs));
    fact("read by", ...links(readers.get(path)));
    fact("spec", range(found.map((layer) => layer.line)));
  }
  const actions = make("div", { class: "actions" });
  if (isFrame) actions.append(button(folded.has(node) ? "Unfold" : "Fold", () => toggle(node)));
  if (run) {
    const { length } = run.members;
    actions.append(button(run.one ? `Show all ${length}` : `Fold to ×${length}`, () => toggleRun(node)));
  }
  const close = button("×", () => { card(null); focus(node); });
  close.setAttribute("aria-label", "Close");
  $("card").replaceChildren(close, make("h2", {}, all[0]), list, actions);
};

// Search

const input = $("search").querySelector("input"), results = $("results");
let active = -1;
const choose = (place) => {
  active = place;
  [...results.children].forEach((item, index) => {
    item.setAttribute("aria-selected", String(index === place));
    if (index === place) item.scrollIntoView({ block: "nearest" });
  });
  if (place >= 0) input.setAttribute("aria-activedescendant", results.children[place].id);
  else input.removeAttribute("aria-activedescendant");
};
const search = () => {
  const terms = input.value.toLowerCase().split(/\s+/).filter(Boolean), found = [];
  for (const { path, kind } of terms.length ? nodes : []) {
    if (!path) continue;
    const layer = layers.get(path);
    const text = [path, kind === "frame" ? "scope" : layer?.op, layer?.output].join(" ").toLowerCase();
    if (terms.every((term) => text.includes(term))) found.push(path);
  }
  const rank = (path) => path.toLowerCase() === terms[0] ? 0 : path.toLowerCase().includes(terms[0]) ? 1 : 2;
  found.sort((one, two) => rank(one) - rank(two));
  results.replaceChildren(...found.slice(0, 50).map((path, place) =>
    make("li", { role: "option", id: `page-result-${place}`, "data-path": path }, path)));
  results.hidden = !found.length;
  input.setAttribute("aria-expanded", String(!results.hidden));
  choose(found.length ? 0 : -1);
};
const close = () => {
  results.hidden = true;
  input.setAttribute("aria-expanded", "false");
};
const go = (path) => {
  const node = byPath.get(path);
  close();
  if (!node) return;
  reveal(node);
  if (chosen) card(node);
};
input.addEventListener("input", search);
input.addEventListener("focus", search);
input.addEventListener("blur", close);
input.addEventListener("keydown", (event) => {
  const size = results.children.length;
  if (event.key === "ArrowDown" && size) choose((active + 1) % size);
  else if (event.key === "ArrowUp" && size) choose((active + size - 1) % size);
  else if (event.key === "Enter" && active >= 0) go(results.children[active].dataset.path);
  else if (event.key === "Escape") input.blur();
  else return;
  event.preventDefault();
  event.stopPropagation();
});
results.addEventListener("mousedown", (event) => {
  event.preventDefault();
  const item = event.target.closest("li");
  if (item) go(item.dataset.path);
});

// Keys and pointers

const nodeAt = (element) => {
  const g = element.closest("#page-figure g[tabindex]");
  return g && nodes.find((node) => node.g === g);
};
const visit = (node) => {
  if (node) focus(node);
  if (node && chosen) card(node);
};
const step = (node, by) => {
  const visible = nodes.filter((each) => each.path && !each.hidden);
  visit(visible[visible.indexOf(node) + by]);
};
const keys = {
  ArrowDown: (node) => step(node, 1),
  ArrowUp: (node) => step(node, -1),
  ArrowRight: (node) => folded.has(node) ? toggle(node) : node.kind === "frame" && step(node, 1),
  ArrowLeft: (node) => node.kind === "frame" && !folded.has(node) ? toggle(node) : visit(node.parent),
  Enter: (node) => card(chosen === node ? null : node),
  " ": (node) => node.kind === "frame" && toggle(node),
  a: toggleRun,
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, select, dialog")) return;
  const node = nodeAt(event.target);
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (key === "/") input.select();
  else if (key === "?") $("help").showModal();
  else if (key === "Escape" && chosen) { const last = chosen; card(null); focus(last); }
  else if ("123".includes(key)) $("detail").children[key - 1].click();
  else if (node && keys[key]) keys[key](node);
  else return;
  event.preventDefault();
});
figure.addEventListener("click", (event) => {
  const node = nodeAt(event.target);
  if (!node) return;
  if (event.target.closest(".pill")) toggleRun(node);
  else if (event.target.closest(".handle")) toggle(node);
  else { card(node); focus(node); }
});
$("detail").addEventListener("click", (event) => {
  if (!event.target.value) return;
  card(null);
  setDetail(event.target.value);
});
$("heat").addEventListener("change", () => { show(); if (chosen) card(chosen); });
$("help-button").addEventListener("click", () => $("help").showModal());
$("card").addEventListener("click", (event) => {
  if (!event.target.hash) return;
  event.preventDefault();
  go(event.target.hash.slice(1));
});
const follow = () => go(location.hash.slice(1));
addEventListener("hashchange", follow);

// Start

for (const node of nodes) {
  if (!node.path) continue;
  node.g.setAttribute("tabindex", "0");
  node.g.setAttribute("role", "button");
}
figure.setAttribute("aria-label", document.querySelector("h1").textContent);
for (const name of ["width", "height"]) figure.removeAttribute(name);
figure.style.minWidth = `${0.7 * width}px`;
$("figure").replaceChildren(figure);
$("tools").hidden = $("hint").hidden = false;
const { detail: first, heat } = document.documentElement.dataset;
$("heat").value = heat;
setDetail(first);
follow();
