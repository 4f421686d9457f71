// Zoom 1: the network and what each neuron answers everywhere, the field of the output with the data, and the curves.

const MANY_LINES = 330;
let net, matrices = [], nodes = [], edges = [], grid = null, inputNodes = [];
const isPlane = () => D.width === 2, isLine = () => D.width === 1;
const pictureSide = () => { const side = Math.round(Math.sqrt(D.width)); return side >= 4 && side * side === D.width ? side : 0; };
const manyInputs = () => D.width > 16;

function networkPanel() {
  net = el("div", { className: "net", role: "group", "aria-label": "network; arrow keys move, Enter goes to the scalar steps" });
  const box = panel("network", isPlane() || isLine() ? "1  Network: what each neuron answers, everywhere" : "1  Network: what each neuron reads", net);
  box.querySelector("h2").append(choose("lines show", [["weights", "weights"], ["gradients", "gradients"]], S.lines, (v) => { S.lines = v; redraw(); }));
  new ResizeObserver(() => { layNetwork(); redraw(); }).observe(net);
  parts.push(drawNetwork);
  return box;
}

function sourceOf(index) { // of a node: an input, a neuron, or neither
  const place = nodePlace(index);
  if (place < D.width) return { input: place };
  const neuron = D.neurons.findIndex((n) => n.output === index);
  return neuron >= 0 ? { neuron } : {};
}

function layNetwork() {
  const W = net.clientWidth, columns = Math.max(1, ...D.neurons.map((n) => n.column));
  if (!W) return;
  const byColumn = Array.from({ length: columns + 1 }, () => []);
  D.neurons.forEach((n, i) => byColumn[n.column].push(i));
  const deep = Math.max(...byColumn.map((c) => Math.min(c.length, 16)), manyInputs() ? 1 : D.width);
  const H = Math.max(330, Math.min(590, deep * 52 + 40));
  const subs = byColumn.map((c) => Math.max(1, Math.ceil(c.length / 16))), together = subs.slice(1).reduce((sum, n) => sum + n, 0);
  const size = Math.max(12, Math.min(50, (H - 46) / Math.min(deep, 16) - 6, (W - 120) / (together + 0.7 * columns)));
  net.style.height = `${H}px`;
  net.replaceChildren();
  nodes = []; edges = []; inputNodes = [];
  sheet ??= el("canvas", { className: "drawn", "aria-hidden": "true" });
  sizesOf.delete(sheet);
  net.append(placed(sheet, 0, 0, W, H));
  const lines = svg("svg", { width: W, height: H, class: "lines", "aria-hidden": "true" }, net); // to point at; nothing is seen of it
  const pad = 8, first = manyInputs() ? 84 : Math.max(size, isPlane() || isLine() ? 34 : 46);
  const room = W - 2 * pad - first - size * subs[columns] - (D.width && !manyInputs() ? labelRoom() : 0);
  const left = pad + (manyInputs() ? 0 : labelRoom());
  const xOf = (column) => (column === 0 ? left : left + first - (column === columns ? 0 : (size * subs[column]) / 2) + (room * column) / columns);
  const middle = (k, n, high) => 34 + (H - 40) / 2 + (k - (n - 1) / 2) * (high + Math.min(18, Math.max(4, (H - 46) / n - high))) - high / 2;
  const header = (x, w, text, more) => { // above its column, as far as the panel goes
    const pitch = room / columns;
    if (pitch < 52) { // too narrow for a list of activation functions
      text = text.replace("layer ", "").replace(/put$/, "");
      more = null;
    } else if (more && pitch < 100) { more.style.maxWidth = `${Math.max(44, pitch - 4)}px`; more.style.fontSize = "10px"; }
    const narrow = W / (columns + 1) < 140 && more, wide = Math.min(W, Math.max(w, narrow ? Math.min(100, pitch) : !more ? Math.min(100, pitch) : 150));
    const start = Math.max(0, Math.min(W - wide, x + w / 2 - wide / 2));
    net.append(placed(el("div", { className: "column" }, ...(narrow ? [] : [el("span", { text })]), ...(more ? [more] : [])), start, 0, wide, 28));
  };
  header(left, first, manyInputs() ? "input" : "inputs");
  if (manyInputs()) {
    const side = pictureSide(), node = el("div", { className: "node picture", role: "img", "aria-label": "the chosen example" }, el("canvas", { width: side || D.width, height: side || 1 }));
    net.append(placed(node, left, 34 + (H - 40) / 2 - first / 2, first, side ? first : 22));
    inputNodes.push({ node, x: left + first, y: 34 + (H - 40) / 2, picture: true });
  } else {
    for (let i = 0; i < D.width; i += 1) {
      const y = middle(i, D.width, size), canvas = isPlane() || isLine() ? el("canvas", { width: 24, height: 24 }) : null;
      const node = el("div", { className: "node input", title: D.features[i] }, canvas, canvas ? null : el("b", { className: "num", text: "" }));
      net.append(placed(node, left, y, first, size), placed(inputName(D.features[i], size), pad, y, labelRoom() - 6, size));
      inputNodes.push({ node, canvas, x: left + first, y: y + size / 2, i });
    }
  }
  byColumn.forEach((members, column) => {
    if (!column || !members.length) return;
    const perSub = Math.ceil(members.length / subs[column]), x0 = xOf(column);
    header(x0, size * subs[column], column === columns ? "output" : `layer ${column}`, activationChoice(column, members));
    members.forEach((index, m) => {
      const sub = Math.floor(m / perSub), k = m % perSub, n = D.neurons[index];
      const inSub = Math.min(perSub, members.length - sub * perSub), y = middle(k, inSub, size);
      const strip = isPlane() || isLine() ? null : pictureSide() && n.terms.length === D.width ? pictureSide() : 0;
      const button = el("button", { type: "button", className: "node", tabindex: index === S.neuron ? "0" : "-1",
        onclick: (e) => { chooseNeuron(index); if (e.detail) openTab("neuron"); }, ondblclick: () => goSteps(), onkeydown: (e) => nodeKeys(e, index) }, strip === 0 && size >= 45 ? el("b", { className: "num" }) : null);
      const x = x0 + sub * (size + 4);
      net.append(placed(button, x, y, size, size));
      nodes[index] = { button, x, y: y + size / 2, size, side: strip, said: button.firstChild };
    });
  });
  // Many lines between two layers say nothing: a matrix of tinted cells stands for them, with lines for the chosen neuron.
  matrices = [];
  byColumn.forEach((members, column) => {
    const count = members.reduce((sum, i) => sum + D.neurons[i].terms.length, 0);
    if (count <= MANY_LINES || (column === 1 && manyInputs())) return;
    const wide = Math.max(...members.map((i) => D.neurons[i].terms.length)), right = Math.min(...members.map((i) => nodes[i].x));
    const before = column > 1 ? Math.max(...byColumn[column - 1].map((i) => nodes[i].x + nodes[i].size)) : left + first;
    const side = Math.max(30, Math.min(right - before - 16, H - 90, 240)), canvas = el("canvas", { width: wide, height: members.length, className: "matrix", role: "img", "aria-label": `weights into layer ${column}: rows to, columns from` });
    net.append(placed(canvas, (before + right - side) / 2, 34 + (H - 40 - side) / 2, side, side));
    canvas.title = "rows: to, columns: from; click a cell for its weight";
    canvas.addEventListener("click", (event) => {
      const b = canvas.getBoundingClientRect(), to = members[Math.floor(((event.clientY - b.top) / b.height) * members.length)];
      if (to !== undefined) chooseWeight(to, Math.min(D.neurons[to].terms.length - 1, Math.floor(((event.clientX - b.left) / b.width) * wide)));
    });
    matrices.push({ canvas, members, wide, column });
  });
  const tinted = new Set(matrices.map((m) => m.column));
  D.neurons.forEach((n, to) => {
    if (tinted.has(n.column) && to !== S.neuron) return;
    const before = new Set();
    n.terms.forEach(([weight, index], term) => {
      if (index < 0) return;
      const source = sourceOf(index), from = source.input !== undefined ? inputNodes[manyInputs() ? 0 : source.input] : nodes[source.neuron];
      if (!from || (manyInputs() && source.input !== undefined && before.has("x"))) return;
      if (source.input !== undefined) before.add("x");
      const x1 = source.input !== undefined ? from.x : from.x + from.size, y1 = from.y, x2 = nodes[to].x, y2 = nodes[to].y, bend = (x2 - x1) * 0.45;
      const d = `M${x1} ${y1.toFixed(1)}C${x1 + bend} ${y1.toFixed(1)} ${x2 - bend} ${y2.toFixed(1)} ${x2} ${y2.toFixed(1)}`, path = svg("path", { d, class: "edge" }, lines), title = svg("title", {}, path);
      path.addEventListener("click", () => chooseWeight(to, term));
      path.addEventListener("pointerenter", () => { title.textContent = `${D.names[weight]} = ${fmt(S.theta[weight])}, mean gradient ${fmt(gradient[1 + weight])}`; });
      edges.push({ d, curve: new Path2D(d), to, term, weight, group: manyInputs() && source.input !== undefined, column: n.column });
    });
  });
}
const labelRoom = () => (isPlane() || isLine() ? 26 : Math.min(132, 14 + 6.6 * Math.max(...D.features.map((f) => f.length))));

function inputName(name, size) { // as many lines as there is room for
  const text = el("span", { text: name, title: name });
  text.style.webkitLineClamp = String(Math.max(1, Math.floor(size / 14)));
  return el("div", { className: "inputname", title: name }, text);
}

function placed(element, x, y, width, height) {
  Object.assign(element.style, { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` });
  return element;
}

function activationChoice(column, members) {
  const used = [...new Set(members.map((i) => D.neurons[i].activation))];
  // Nothing can stand in for a slope that is a number, or the output itself, as that of exp is: it is no scalar of its own.
  if (used.length !== 1 || !Array.isArray(D.activations[used[0]]?.[1])) return null;
  const select = el("select", { "aria-label": `activation of layer ${column}`, onchange: () => {
    S.acts[column] = select.value;
    machines();
    firstGradient();
    recordedAgain();
    scalarPanel && scalarPanel.rebuild();
    redraw();
  } }, ...Object.keys(D.activations).map((name) => el("option", { value: name, text: name, selected: name === (S.acts[column] ?? used[0]) })));
  return select;
}

function nodeKeys(event, index) {
  const n = D.neurons[index], same = D.neurons.map((_, i) => i).filter((i) => D.neurons[i].column === n.column), k = same.indexOf(index);
  const side = (step) => {
    const other = D.neurons.map((_, i) => i).filter((i) => D.neurons[i].column === n.column + step);
    return other[Math.min(other.length - 1, Math.round((k * other.length) / same.length))];
  };
  const to = { ArrowUp: same[k - 1], ArrowDown: same[k + 1], ArrowLeft: side(-1), ArrowRight: side(1) }[event.key];
  if (event.key === "Enter" && event.detail !== 1 && S.neuron === index) { event.preventDefault(); goSteps(); return; }
  if (!event.key.startsWith("Arrow")) return;
  event.preventDefault();
  event.stopPropagation();
  if (to === undefined) return;
  chooseNeuron(to);
  nodes[to].button.focus();
}
function chooseNeuron(index, term = 0) { // term −1 is the bias
  const another = S.neuron !== index;
  S.neuron = index;
  if (another && matrices.length) {
    const held = net.contains(document.activeElement);
    layNetwork();
    if (held) nodes[index].button.focus();
  }
  const n = D.neurons[index];
  S.term = Math.min(term, n.terms.length - 1);
  S.weight = S.term < 0 ? n.bias : n.terms[S.term][0];
  if (S.ghost && S.ghost.k !== S.weight) dropGhost(true);
  scalarPanel && scalarPanel.rebuild();
  remember();
  redraw();
}
function chooseWeight(index, term) { chooseNeuron(index, term); openTab("whatif-panel"); }
function chooseExample(i) {
  S.example = ((i % total()) + total()) % total();
  S.oldInputs = null;
  S.version += 1;
  remember();
  redraw();
}

// --- what each neuron answers

function box() {
  if (S.box) return S.box;
  const range = (i) => {
    let low = Infinity, high = -Infinity;
    for (let r = 0; r < total(); r += 1) { const x = X[r * rowWidth() + i]; low = Math.min(low, x); high = Math.max(high, x); }
    const room = (high - low) * 0.1 || 1;
    return [low - room, high + room];
  };
  return (S.box = Array.from({ length: D.width }, (_, i) => range(i)));
}

function answers() { // grid.neurons: each neuron over the plane or the line; grid.outputs: the outputs
  const resolution = isLine() ? 80 : D.neurons.length > 40 ? 32 : 50, n = isLine() ? resolution : resolution * resolution;
  if (grid && grid.version === S.version) return grid;
  if (!grid || grid.resolution !== resolution) grid = { resolution, n, x: new Float64Array(n * rowWidth()), boxed: null, neurons: null, outputs: null, all: new Float64Array((D.neurons.length + D.outputs) * n) };
  grid.neurons = grid.all.subarray(0, D.neurons.length * n);
  grid.outputs = grid.all.subarray(D.neurons.length * n);
  if (grid.boxed !== box()) {
    grid.boxed = box();
    const [[x0, x1], [y0, y1] = [0, 0]] = box();
    for (let i = 0; i < n; i += 1) {
      const column = i % resolution, row = Math.floor(i / resolution);
      grid.x[i * rowWidth()] = x0 + ((x1 - x0) * (column + 0.5)) / resolution;
      if (!isLine()) grid.x[i * rowWidth() + 1] = y1 - ((y1 - y0) * (row + 0.5)) / resolution;
    }
  }
  M.field.table(grid.x, S.theta, null, n, grid.all);
  grid.version = S.version;
  return grid;
}

function largest(values, from, to) {
  let most = 1e-12;
  for (let i = from; i < to; i += 1) { const size = Math.abs(values[i]); if (size > most && size < Infinity) most = size; }
  return most;
}

// One canvas holds the lines and what the neurons show: the browser puts one picture on the screen for all of them.
let sheet, marked = null; // marked: the node that is shown as the chosen one
function drawNetwork() {
  if (!nodes.length) return;
  if (turn(2, 0)) {
    if (isPlane() || isLine()) answers();
    paint(sheet, (c) => { drawEdges(c); drawNodes(c); });
    drawMatrices();
    drawInputs();
  }
  if (marked !== nodes[S.neuron]) {
    marked = nodes[S.neuron];
    nodes.forEach((node, i) => {
      node.button.classList.toggle("chosen", i === S.neuron);
      node.button.tabIndex = i === S.neuron ? 0 : -1;
    });
  }
  if (!S.playing) nodes.forEach((node, i) => {
    const n = D.neurons[i], h = at(nodePlace(n.output));
    node.button.setAttribute("aria-label", `neuron ${n.name}, ${fmt(h)} for the example`);
    node.button.title = `${n.name}: ${fmt(h)} for the chosen example`;
  });
}

const atlas = document.createElement("canvas"); // the pictures of all neurons, one below the other
function drawNodes(c) {
  const values = isPlane() || isLine() ? null : scalars();
  if (isLine()) nodes.forEach((node, i) => curveIn(c, node.x, node.y - node.size / 2, node.size, grid.neurons, i * grid.n, grid.n));
  else {
    const cells = isPlane() ? nodes.map(() => [grid.resolution, grid.resolution]) : nodes.map(({ side }, i) => (side ? [side, side] : [D.neurons[i].terms.length, 1]));
    const wide = Math.max(...cells.map(([w]) => w)), high = Math.max(...cells.map(([, h]) => h)), { context, image, words } = imageOf(atlas, wide, high * nodes.length), inks = ramps();
    nodes.forEach((_, i) => {
      const [w, h] = cells[i], start = i * wide * high, terms = D.neurons[i].terms;
      const values_ = isPlane() ? grid.neurons.subarray(i * grid.n, (i + 1) * grid.n) : Float64Array.from(terms, ([k]) => S.theta[k]), most = largest(values_, 0, values_.length);
      for (let y = 0, k = 0; y < h; y += 1) for (let x = 0; x < w; x += 1, k += 1) words[start + y * wide + x] = inks[toneOf(values_[k] / most)];
    });
    context.putImageData(image, 0, 0);
    c.imageSmoothingEnabled = isPlane();
    nodes.forEach((node, i) => {
      const place = [node.x, node.y - node.size / 2, node.size, node.said ? node.size * 0.55 : node.size];
      c.drawImage(atlas, 0, i * high, ...cells[i], ...place);
      if (isPlane() && !Number.isFinite(grid.neurons[i * grid.n])) hatch(c, ...place);
    });
  }
  if (values) nodes.forEach((node, i) => { if (node.said) setText(node.said, fmt(values[nodePlace(D.neurons[i].output)], 2)); });
}

function curveIn(c, x, y, size, values, from, n) {
  if (!Number.isFinite(values[from])) return hatch(c, x, y, size, size);
  const scale = largest(values, from, from + n), middle = y + size / 2;
  c.fillStyle = css("card");
  c.fillRect(x, y, size, size);
  c.fillStyle = css("line");
  c.fillRect(x, middle - 0.5, size, 1);
  c.strokeStyle = css("receiver");
  c.lineWidth = 2.5;
  c.beginPath();
  for (let k = 0; k < n; k += 1) c.lineTo(x + ((k + 0.5) * size) / n, middle - (values[from + k] / scale) * size * 0.42);
  c.stroke();
}

function drawInputs() {
  ramps();
  for (const one of inputNodes) {
    if (one.picture) {
      const row = exampleRow(), key = `${S.example} ${css("ink")} ${S.oldInputs ? S.version : ""}`;
      if (one.done === key) continue;
      one.done = key;
      const canvas = one.node.firstChild, most = largest(row, 0, D.width), ink = rgb(css("ink")), paper = rgb(css("paper"));
      pixels(canvas, canvas.width, canvas.height, (k) => { const t = Math.abs(row[k]) / most; return pixel(paper.map((p, c) => Math.round(p + (ink[c] - p) * t))); });
    } else if (!one.canvas) setText(one.node.querySelector("b"), fmt(exampleRow()[one.i], 3));
    else if (one.done !== ramp) {
      one.done = ramp;
      if (isLine()) { one.canvas.width = one.canvas.height = 50; curveIn(one.canvas.getContext("2d"), 0, 0, 50, Float64Array.from({ length: 24 }, (_, k) => k - 11.5), 0, 24); }
      else paintMap(one.canvas, 24, (k) => (one.i === 0 ? ((k % 24) - 11.5) / 12 : (11.5 - Math.floor(k / 24)) / 12));
    }
  }
}

function paintMap(canvas, resolution, value) {
  const inks = ramps();
  pixels(canvas, resolution, resolution, (k) => inks[toneOf(value(k))]);
}

function drawMatrices() {
  const value = (w) => (S.lines === "gradients" ? gradient[1 + w] : S.theta[w]);
  for (const { canvas, members, wide } of matrices) {
    let most = 1e-12;
    for (const i of members) for (const [w] of D.neurons[i].terms) most = Math.max(most, Math.abs(value(w)) || 0);
    const inks = ramps(), pale = members.includes(S.neuron);
    pixels(canvas, wide, members.length, (k) => {
      const row = Math.floor(k / wide), term = D.neurons[members[row]].terms[k % wide];
      if (!term) return 0;
      const share = value(term[0]) / most, ink = inks[toneOf(Math.sign(share) * Math.sqrt(Math.abs(share)))];
      return pale && members[row] !== S.neuron ? ((ink & 0xffffff) | (170 << 24)) >>> 0 : ink;
    });
  }
}

function drawEdges(c) {
  const byGradient = S.lines === "gradients", value = (e) => {
    if (!e.group) return byGradient ? gradient[1 + e.weight] : S.theta[e.weight];
    let sum = 0;
    for (const [w] of D.neurons[e.to].terms) sum += (byGradient ? gradient[1 + w] : S.theta[w]) ** 2;
    return Math.sqrt(sum / D.neurons[e.to].terms.length);
  };
  let most = 1e-12;
  const values = edges.map((e) => { const v = value(e); if (Number.isFinite(v)) most = Math.max(most, Math.abs(v)); return v; });
  const crowd = edges.length > 120 ? 0.72 : 1, tones = [css("neg-fill"), css("pos-fill"), css("receiver")];
  edges.forEach((e, i) => {
    const strength = Math.sqrt(Math.abs(values[i]) / most) || 0, own = e.to === S.neuron, chosen = own && e.term === S.term, width = 0.5 + 4.2 * strength * crowd;
    e.look = { colour: tones[chosen ? 2 : values[i] < 0 ? 0 : 1], width: chosen ? Math.max(3, width) : width, opacity: chosen ? 1 : own ? 0.45 + 0.55 * strength : (0.06 + 0.8 * strength * strength) * crowd, chosen };
    c.strokeStyle = e.look.colour;
    c.lineWidth = e.look.width;
    c.globalAlpha = e.look.opacity;
    if (chosen) c.setLineDash([7, 4]);
    c.stroke(e.curve);
    if (chosen) c.setLineDash([]);
  });
  c.globalAlpha = 1;
}

// --- the field of the output, with the data

let field;
const fieldKind = () => (isPlane() ? "plane" : isLine() ? "line" : D.task === "numbers" ? "scatter" : "confusion");
function fieldPanel() {
  const titles = { plane: "Output field and data", line: "The curve and the data", confusion: "What it takes for what", scatter: "Predicted against true" };
  const kind = fieldKind();
  field = el("canvas", { className: "field", id: "field", role: "img", "aria-label": titles[kind] });
  const section = panel("data-panel", titles[kind]);
  if (kind === "confusion") {
    section.append(confusionTable(), classBars());
  } else {
    section.append(field, el("p", { className: "note", id: "fieldnote", text: "click an example to look at it" }));
    field.addEventListener("pointerdown", fieldPointer);
    parts.push(drawField);
    section.append(legend());
  }
  return section;
}

function legend() {
  const list = el("p", { className: "legend" });
  const shown = D.task === "numbers" ? [] : D.classes.slice(0, 10);
  shown.forEach((name, c) => {
    const mark = svg("svg", { viewBox: "-8 -8 16 16", width: 14, height: 14, "aria-hidden": "true" });
    svg("path", { d: D.shapes[c % D.shapes.length], fill: `var(--${classColour(c)})` }, mark);
    list.append(el("span", {}, mark, el("span", { text: name })));
  });
  if (D.classes.length > shown.length && D.task !== "numbers") list.append(el("span", { text: `and ${D.classes.length - shown.length} more classes, with the same marks again` }));
  const axes = isPlane() ? D.features : isLine() ? [D.features[0], "target"] : ["true", "predicted"], columns = isPlane() ? [0, 1] : isLine() ? [0, 1] : [D.width, D.width];
  const ends = axes.map(() => el("span"));
  list.append(...ends);
  if (isPlane() && D.task === "numbers") list.append(el("span", { text: "colour: the target of a point, the answer elsewhere; blue above 0, orange below" }));
  parts.push(() => { if (!S.playing) ends.forEach((end, i) => { const [low, high] = fieldBox()[i].map((x) => inUnits(columns[i], x)); setText(end, `${"→↑"[i]} ${axes[i]} from ${fmt(Number(low.toPrecision(2)))} to ${fmt(Number(high.toPrecision(2)))}`); }); });
  if (D.test) list.append(el("span", { text: isPlane() && D.task === "numbers" ? "dashed rim: test" : shown.length ? "hollow: test" : "hollow points: test" }));
  return list;
}
const classColour = (c) => (D.task === "two" ? ["neg-fill", "pos-fill"][c] : "c" + (c % 10));
let shapePaths = null;

const toField = (x, y, w, h) => { const [[x0, x1], [y0, y1]] = fieldBox(); return [((x - x0) / (x1 - x0)) * w, ((y1 - y) / (y1 - y0)) * h]; };
const fromField = (px, py, w, h) => { const [[x0, x1], [y0, y1]] = fieldBox(); return [x0 + (px / w) * (x1 - x0), y1 - (py / h) * (y1 - y0)]; };
function fieldBox() {
  if (isPlane()) return box();
  if (S.yBox) return isLine() ? [box()[0], S.yBox] : [S.yBox, S.yBox];
  let low = Infinity, high = -Infinity;
  for (let r = 0; r < total(); r += 1) { low = Math.min(low, target(r)); high = Math.max(high, target(r)); }
  const room = (high - low) * 0.15 || 1;
  S.yBox = [low - room, high + room];
  return fieldBox();
}

function drawField() {
  if (!turn(heavy() ? 6 : 2, 0)) return;
  paint(field, (c, w, h) => {
    if (isPlane()) plane(c, w, h);
    else if (isLine()) curve(c, w, h);
    else {
      c.strokeStyle = css("mark");
      c.setLineDash([4, 4]);
      c.beginPath(); c.moveTo(0, h); c.lineTo(w, 0); c.stroke();
      c.setLineDash([]);
      axis(c, "true →", w - 44, h - 6);
      axis(c, "predicted ↑", 6, 14);
    }
    points(c, w, h);
  });
}
function axis(c, text, x, y) { c.fillStyle = css("soft"); c.fillText(text, x, y); }

function largeTarget() { // what the strongest colour stands for, where numbers are predicted; one in ten may be larger
  const sizes_ = Float64Array.from({ length: total() }, (_, i) => Math.abs(target(i))).sort();
  return Math.max(1e-12, sizes_[Math.floor(0.9 * (sizes_.length - 1))]);
}
function hatch(c, x, y, w, h) { // where there are no numbers to show
  c.save();
  c.beginPath(); c.rect(x, y, w, h); c.clip();
  c.strokeStyle = css("odd"); c.lineWidth = 2;
  c.beginPath();
  for (let k = -h; k < w; k += 9) { c.moveTo(x + k, y + h); c.lineTo(x + k + h, y); }
  c.stroke();
  c.restore();
}

let plate = null;
function plane(c, w, h) {
  const { n, resolution, outputs } = answers();
  plate ??= document.createElement("canvas");
  if (D.task === "classes") {
    const paper = rgb(css("paper")), tones = D.classes.map((_, k) => rgb(css(classColour(k))));
    const colour = (k) => {
      let best = 0, second = -1;
      for (let o = 1; o < D.outputs; o += 1) if (outputs[o * n + k] > outputs[best * n + k]) best = o;
      for (let o = 0; o < D.outputs; o += 1) if (o !== best && (second < 0 || outputs[o * n + k] > outputs[second * n + k])) second = o;
      const t = 0.15 + 0.45 * Math.tanh((outputs[best * n + k] - outputs[second * n + k]) / 3);
      return paper.map((p, i) => Math.round(p + (tones[best % 10][i] - p) * t));
    };
    pixels(plate, resolution, resolution, (k) => pixel(colour(k)));
  } else {
    const zero = D.task === "two" ? D.threshold : 0, scale = D.task === "two" ? Math.max(1, Math.abs(D.levels[1] - zero)) : largeTarget();
    paintMap(plate, resolution, (k) => Math.max(-1, Math.min(1, (outputs[k] - zero) / scale)) * 0.85);
  }
  c.imageSmoothingEnabled = true;
  c.drawImage(plate, 0, 0, w, h);
  if (!Number.isFinite(outputs[0])) hatch(c, 0, 0, w, h);
  c.strokeStyle = css("ink");
  c.lineWidth = 2;
  if (D.task === "two") contour(c, resolution, (k) => outputs[k] - D.threshold, w, h);
  if (D.task === "classes") for (let o = 0; o < D.outputs; o += 1) contour(c, resolution, (k) => {
    let other = -Infinity;
    for (let q = 0; q < D.outputs; q += 1) if (q !== o) other = Math.max(other, outputs[q * n + k]);
    return outputs[o * n + k] - other;
  }, w, h);
}

function contour(c, n, f, w, h) { // where f is 0: marching squares
  const sx = w / n, sy = h / n;
  c.beginPath();
  for (let y = 0; y + 1 < n; y += 1) for (let x = 0; x + 1 < n; x += 1) {
    const a = f(y * n + x), b = f(y * n + x + 1), d = f((y + 1) * n + x), e = f((y + 1) * n + x + 1);
    if (a < 0 === b < 0 && a < 0 === d < 0 && a < 0 === e < 0) continue;
    const cuts = [];
    const cut = (u, v, x0, y0, x1, y1) => { if (u < 0 !== v < 0) { const t = u / (u - v); cuts.push([(x0 + (x1 - x0) * t + 0.5) * sx, (y0 + (y1 - y0) * t + 0.5) * sy]); } };
    cut(a, b, x, y, x + 1, y); cut(b, e, x + 1, y, x + 1, y + 1); cut(d, e, x, y + 1, x + 1, y + 1); cut(a, d, x, y, x, y + 1);
    for (let i = 0; i + 1 < cuts.length; i += 2) { c.moveTo(...cuts[i]); c.lineTo(...cuts[i + 1]); }
  }
  c.stroke();
}

function curve(c, w, h) {
  const { n, outputs } = answers();
  for (let o = 0; o < D.outputs; o += 1) {
    c.strokeStyle = css("receiver");
    c.lineWidth = 3;
    c.beginPath();
    for (let k = 0; k < n; k += 1) c.lineTo(((k + 0.5) * w) / n, toField(0, outputs[o * n + k], w, h)[1]);
    c.stroke();
  }
}

function pointAt(i, w, h) {
  const row = i * rowWidth();
  if (isPlane()) return toField(X[row], X[row + 1], w, h);
  if (isLine()) return toField(X[row], target(i), w, h);
  return toField(target(i), all().table[total() + i], w, h);
}

// While it trains, the points are drawn again only where one has become right or wrong: they stay where they are.
let pointsSheet = null;
function points(c, w, h) {
  if (!S.playing) pointsSheet = null;
  if (!S.playing || !(isPlane() || isLine())) drawPoints(c, w, h);
  else {
    const found = all(), wrong = Uint8Array.from({ length: total() }, (_, i) => D.task !== "numbers" && found.predicted[i] !== classOf(i));
    const ratio = window.devicePixelRatio || 1, same = pointsSheet && pointsSheet.X === X && pointsSheet.colours === colours && pointsSheet.size === `${w} ${h} ${ratio}`;
    if (!same || pointsSheet.wrong.some((x, i) => x !== wrong[i])) {
      const canvas = same ? pointsSheet.canvas : el("canvas", { width: Math.round(w * ratio), height: Math.round(h * ratio) }), context = canvas.getContext("2d");
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, w, h);
      drawPoints(context, w, h);
      pointsSheet = { canvas, wrong, X, colours, size: `${w} ${h} ${ratio}` };
    }
    c.drawImage(pointsSheet.canvas, 0, 0, w, h);
  }
  const [x, y] = pointAt(S.example, w, h);
  for (const [colour, width] of [[css("paper"), 5], [css("receiver"), 3]]) {
    c.strokeStyle = colour; c.lineWidth = width;
    c.beginPath(); c.arc(x, y, 10, 0, 7); c.stroke();
  }
}
const inkOf = (share) => { const word = ramps()[toneOf(Math.max(-1, Math.min(1, share)) * 0.85)]; return `rgb(${word & 255},${(word >> 8) & 255},${(word >> 16) & 255})`; };
function drawPoints(c, w, h) {
  shapePaths ??= D.shapes.map((d) => new Path2D(d));
  const found = all(), small = total() > 300 ? 0.7 : 1, tinted = isPlane() && D.task === "numbers", most = tinted && largeTarget();
  for (let i = 0; i < total(); i += 1) {
    const [x, y] = pointAt(i, w, h), k = D.task === "numbers" ? 1 : classOf(i), test = i >= D.train;
    c.save();
    c.translate(x, y);
    c.scale(small, small);
    const tone = tinted ? inkOf(target(i) / most) : D.task === "numbers" ? css("pos-fill") : css(classColour(k)), wrong = D.task !== "numbers" && found.predicted[i] !== k;
    c.lineWidth = 1.4;
    if (tinted) { c.fillStyle = tone; c.fill(shapePaths[k]); c.strokeStyle = css("ink"); c.lineWidth = test ? 1 : 1.8; if (test) c.setLineDash([2, 2]); c.stroke(shapePaths[k]); }
    else if (test) { c.fillStyle = css("paper"); c.fill(shapePaths[k % 10]); c.strokeStyle = tone; c.lineWidth = 2; c.stroke(shapePaths[k % 10]); }
    else { c.fillStyle = tone; c.fill(shapePaths[k % 10]); c.strokeStyle = wrong ? css("ink") : css("paper"); if (wrong) c.lineWidth = 2; c.stroke(shapePaths[k % 10]); }
    c.restore();
  }
}

function nearest(event) {
  const b = field.getBoundingClientRect(), px = event.clientX - b.left, py = event.clientY - b.top;
  let best = -1, distance = 18 ** 2;
  for (let i = 0; i < total(); i += 1) {
    const [x, y] = pointAt(i, b.width, b.height), d = (x - px) ** 2 + (y - py) ** 2;
    if (d < distance) { distance = d; best = i; }
  }
  return { best, px, py, w: b.width, h: b.height };
}
function fieldPointer(event) {
  const { best, px, py, w, h } = nearest(event);
  if (S.tool && S.tool !== "choose") return editPoint(event, best, fromField(px, py, w, h));
  if (best >= 0) chooseExample(best);
}

// --- classes: which is taken for which, and the example's own

let cells = [], bars = [];
function confusionTable() {
  const k = D.classes.length, table = el("table", { className: "confusion" });
  table.append(el("caption", { text: D.test ? "rows: true, columns: predicted (test examples)" : "rows: true, columns: predicted" }));
  table.append(el("tr", {}, el("th", {}), ...D.classes.map((name) => el("th", { scope: "col", text: name, title: name }))));
  table.style.setProperty("--paper", String(Math.min(1, 640 / (36 * k + 110))));
  cells = D.classes.map(() => []);
  D.classes.forEach((name, r) => {
    const row = el("tr", {}, el("th", { scope: "row", text: name, title: name }));
    for (let c = 0; c < k; c += 1) {
      const button = el("button", { type: "button", onclick: () => nextOf(r, c) });
      cells[r][c] = button;
      row.append(el("td", {}, button));
    }
    table.append(row);
  });
  parts.push(drawConfusion);
  return el("div", { className: "scroll" }, table);
}
function nextOf(r, c) { // the next example of class r that is taken for c
  const found = all();
  for (let step = 1; step <= total(); step += 1) {
    const i = (S.example + step) % total();
    if (classOf(i) === r && found.predicted[i] === c && (!D.test || i >= D.train)) return chooseExample(i);
  }
}
function drawConfusion() {
  if (!turn(6, 4)) return;
  const found = all(), k = D.classes.length, counts = Array.from({ length: k }, () => new Array(k).fill(0));
  for (let i = D.test ? D.train : 0; i < total(); i += 1) counts[classOf(i)][found.predicted[i]] += 1;
  for (let r = 0; r < k; r += 1) {
    const whole = counts[r].reduce((a, b) => a + b, 0) || 1;
    for (let c = 0; c < k; c += 1) {
      const share = counts[r][c] / whole, cell = cells[r][c];
      cell.textContent = counts[r][c] ? String(counts[r][c]) : "·";
      cell.style.backgroundColor = counts[r][c] ? `color-mix(in srgb, ${css(r === c ? "pos-fill" : "neg-fill")} ${Math.round(15 + 35 * share)}%, ${css("paper")})` : "transparent";
      cell.setAttribute("aria-label", `${counts[r][c]} of ${D.classes[r]} taken for ${D.classes[c]}`);
    }
  }
  const n = total(), scores = Array.from({ length: D.outputs }, (_, o) => found.table[(1 + o) * n + S.example]);
  const shares = D.task === "two" ? null : softmax(scores);
  bars.forEach((bar, c) => {
    const share = shares ? shares[c] : 0;
    bar.fill.style.width = `${(100 * share).toFixed(1)}%`;
    bar.value.textContent = shares ? `${(100 * share).toFixed(1)} %` : "";
    bar.row.classList.toggle("true", classOf(S.example) === c); // the true answer alone has a colour
  });
}
function softmax(scores) {
  const most = Math.max(...scores), e = scores.map((x) => Math.exp(x - most)), sum = e.reduce((a, b) => a + b, 0);
  return e.map((x) => x / sum);
}
function classBars() {
  const list = el("div", { className: "bars", role: "group", "aria-label": "probabilities for the chosen example" });
  if (D.task !== "classes") return list;
  bars = D.classes.map((name, c) => {
    const fill = el("i", {}), value = el("b", { className: "num" }), row = el("div", {}, el("span", { text: name, title: name }), el("em", {}, fill), value);
    list.append(row);
    return { fill, value, row };
  });
  return list;
}

// --- curves of the training

function curvesPanel() {
  const loss = el("canvas", { className: "curve", id: "curve", role: "img", "aria-label": "loss over the steps" });
  const size = el("canvas", { className: "curve small", id: "sizes", role: "img", "aria-label": `size of the gradient${groups.length > 1 ? ", layer by layer" : ""}` });
  const log = el("button", { type: "button", className: "small", id: "log", text: "log", "aria-pressed": "true", onclick: () => { S.log = !S.log; log.textContent = S.log ? "log" : "linear"; log.setAttribute("aria-pressed", String(S.log)); redraw(); } });
  const box = panel("curves", "Loss"), none = el("p", { className: "note", id: "nosize", hidden: true });
  box.querySelector("h2").append(el("span", { className: "key train", text: "━ train" }), ...(D.test ? [el("span", { className: "key test", text: "╌ test" })] : []), log);
  const tones = ["ink", "receiver", "giver", "below", "above", "odd"], dashes = [[], [7, 3], [2, 3], [9, 3, 2, 3]], marks = ["━", "╌", "┈", "┅"];
  const keys = groups.map((g, i) => { const key = el("span", { text: `${marks[i % 4]} ${g.name}` }); key.style.color = `var(--${tones[i % 6]})`; return key; });
  box.append(loss, el("h3", { text: `Size of the mini-batch's gradient${groups.length > 1 ? ", layer by layer" : ""}` }), size, none, ...(groups.length > 1 ? [el("p", { className: "key" }, ...keys)] : []));
  parts.push(() => {
    if (!turn(4, 1)) return;
    paint(loss, (c, w, h) => lines(c, w, h, [["above", [], (r) => r.train], ...(D.test ? [["below", [6, 4], (r) => r.test]] : [])], S.log));
    const last = S.history[S.history.length - 1], flat = last ? groups.filter((_, i) => last.sizes[i] === 0).map((g) => g.name) : [];
    none.hidden = !flat.length;
    if (flat.length) setText(none, `The gradient of ${flat.join(", ")} is exactly 0 now, so this scale cannot show it: nothing is learned there. If it stays so, choose a smaller learning rate and “restart”.`);
    paint(size, (c, w, h) => lines(c, w, h, groups.map((_, i) => [tones[i % 6], dashes[i % 4], (r) => r.sizes[i]]), true));
  });
  return box;
}

function lines(c, w, h, series, log) {
  const rows = S.history, every = Math.ceil(rows.length / w); // no more points than pixels
  if (!rows.length) return;
  const bottom = h - 18, y = (v) => (log ? (v > 0 ? Math.log10(v) : NaN) : v);
  let low = Infinity, high = -Infinity;
  for (const [, , get] of series) for (const r of rows) { const v = y(get(r)); if (Number.isFinite(v)) { low = Math.min(low, v); high = Math.max(high, v); } }
  if (low > high) return;
  if (high - low < 1e-9) { low -= 0.5; high += 0.5; }
  if (!log) low = Math.min(low, 0);
  const ticks = log ? logTicks(low, high) : linearTicks(low, high), decades = log && ticks.every((t) => Number(t.toPrecision(1)) === t);
  const said = (t) => (decades ? fmt(t, 2) : tickText(t, ticks)), left = roomFor(c, ticks.map(said));
  const py = (v) => 8 + ((high - y(v)) / (high - low)) * (bottom - 14), last = rows[rows.length - 1].step, px = (s) => left + (s / (last || 1)) * (w - left - 8);
  c.fillStyle = css("soft");
  c.strokeStyle = css("line");
  c.lineWidth = 1;
  c.textAlign = "right";
  for (const t of ticks) {
    const at = py(t);
    c.beginPath(); c.moveTo(left, at); c.lineTo(w, at); c.stroke();
    c.fillText(said(t), left - 5, at + 4);
  }
  c.textAlign = "left";
  c.fillText("0", left, h - 4);
  c.textAlign = "right";
  c.fillText(`${D.history && !S.step ? "epoch" : "step"} ${last}`, w - 4, h - 4);
  if (S.shot) {
    c.strokeStyle = css("receiver");
    c.lineWidth = 1.5;
    c.beginPath(); c.moveTo(px(S.shot.step), 4); c.lineTo(px(S.shot.step), bottom); c.stroke();
  }
  for (const [tone, dash, get] of series) {
    c.strokeStyle = css(tone);
    c.lineWidth = 2;
    c.setLineDash(dash);
    c.beginPath();
    rows.forEach((r, i) => { if ((i % every === 0 || i === rows.length - 1) && Number.isFinite(y(get(r)))) c.lineTo(px(r.step), py(get(r))); });
    c.stroke();
    c.setLineDash([]);
    if (rows.length === 1 && Number.isFinite(y(get(rows[0])))) { c.fillStyle = css(tone); c.beginPath(); c.arc(px(rows[0].step) + 3, py(get(rows[0])), 3, 0, 7); c.fill(); }
  }
  c.textAlign = "left";
}
function logTicks(low, high) {
  const found = [];
  for (let d = Math.floor(low); d <= Math.ceil(high); d += 1) for (const m of high - low > 2 ? [1] : [1, 2, 5]) { const v = Math.log10(m) + d; if (v >= low - 0.01 && v <= high + 0.01) found.push(m * 10 ** d); }
  if (found.length < 2) return linearTicks(10 ** low, 10 ** high);
  return found.filter((_, i) => i % Math.ceil(found.length / 6) === 0);
}
function tickText(t, all) { // as many digits as tell the ticks apart
  const step = all.length > 1 ? Math.abs(all[1] - all[0]) : Math.abs(t) / 10 || 1;
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const text = digits > 5 ? t.toExponential(Math.max(1, Math.min(6, Math.ceil(Math.log10(Math.abs(t || 1) / step))))) : t.toFixed(digits);
  return text.replace(/-/g, "−");
}
const roomFor = (c, texts) => Math.ceil(Math.max(38, ...texts.map((text) => c.measureText(text).width))) + 6; // beside an axis
function linearTicks(low, high) {
  const rough = (high - low) / 4.5, unit = 10 ** Math.floor(Math.log10(rough)), step = [1, 2, 5, 10].find((m) => m * unit >= rough) * unit, found = [];
  for (let v = Math.ceil(low / step) * step; v <= high; v += step) found.push(Number(v.toPrecision(6)));
  return found;
}
