// What all parts of the page share: small helpers, the state, the machines, training, and the header.

const $ = (id) => document.getElementById(id);
let D, T, X; // the data of the file, the tape of the chosen loss, and all rows (inputs, then targets)
const M = {}; // the machines
const S = { step: 0, loss: 0, example: 0, neuron: 0, weight: 0, lines: "weights", playing: false, speed: "normal",
  ghost: null, history: [], film: [], log: true, said: "", acts: {}, batch: 16, version: 0 };

function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "text") made.textContent = value;
    else if (key in made && key !== "list" && typeof value !== "string") made[key] = value;
    else made.setAttribute(key === "className" ? "class" : key, value === true ? "" : value);
  }
  made.append(...children.filter((one) => one !== null && one !== undefined));
  return made;
}

function svg(tag, attributes, parent) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (parent) parent.append(made);
  return made;
}

function fmt(x, digits = 4) {
  if (!Number.isFinite(x)) return x !== x ? "nan" : x > 0 ? "inf" : "−inf";
  const size = Math.abs(x);
  let text = x === 0 ? "0" : size >= 1e-4 && size < 10 ** (digits + 2) ? String(Number(x.toPrecision(digits))) : x.toExponential(digits - 2).replace("e+", "e");
  return text.replace(/-/g, "−");
}

// What is printed has to be true to its digits: as few digits as make the equation true; ≈ where twelve do not.
const asNumber = (text) => Number(text.replace(/−/g, "-").replace("inf", "Infinity"));
function equation(numbers, compute, result, digits = 4) {
  for (const many of [4, 6, 8, 10, 12]) {
    const texts = numbers.map((x) => fmt(x, many));
    if (fmt(compute(...texts.map(asNumber)), digits) === fmt(result, digits)) return [texts, "="];
  }
  return [numbers.map((x) => fmt(x)), "≈"];
}
function evaluate(tree, given) { // a tree of primitives at these numbers
  if (typeof tree === "number") return tree;
  if (typeof tree === "string") return given[Number(tree.slice(1))];
  const values = tree[1] === "*" ? given : tree.slice(1).map((one) => evaluate(one, given)), memory = Float64Array.from([...values, 0, 0, 0]);
  run(memory, { codes: [CODE[tree[0]]], out: [values.length], a: [0], b: [1], c: [2], lists: [values.map((_, i) => i)] }, 1);
  return memory[values.length];
}

let colours = {};
function css(name) {
  return (colours[name] ??= getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim());
}
let ramp = null; // 257 colours from below through 0 to above, a pixel each
function rgb(text) {
  const probe = /^#(..)(..)(..)$/.exec(text);
  return probe ? probe.slice(1).map((x) => parseInt(x, 16)) : text.match(/\d+/g).slice(0, 3).map(Number);
}
const toneOf = (value) => // of −1 … 1
  Math.max(0, Math.min(256, Math.round(128 + 128 * (value === value ? value : 0))));
const pixel = ([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
function ramps() {
  if (!ramp) {
    const [low, zero, high] = ["neg-fill", "zero-fill", "pos-fill"].map((name) => rgb(css(name)));
    ramp = Uint32Array.from({ length: 257 }, (_, i) => {
      const t = Math.abs(i - 128) / 128, end = i < 128 ? low : high;
      return pixel(zero.map((c, j) => Math.round(c + (end[j] - c) * t)));
    });
  }
  return ramp;
}
// The picture of width × height pixels that a canvas keeps: colour(k) is pixel k, as a number.
const images = new WeakMap();
function pixels(canvas, width, height, colour) {
  const { context, image, words } = imageOf(canvas, width, height);
  for (let k = 0; k < words.length; k += 1) words[k] = colour(k);
  context.putImageData(image, 0, 0);
}
function imageOf(canvas, width, height) {
  const held = images.get(canvas);
  if (held && held.image.width === width && held.image.height === height && canvas.width === width) return held;
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d"), image = context.createImageData(width, height), made = { context, image, words: new Uint32Array(image.data.buffer) };
  images.set(canvas, made);
  return made;
}

// The size of a canvas on the page: to measure it at each frame would lay out the page each time.
const sizesOf = new Map();
const watcher = new ResizeObserver((entries) => { for (const { target } of entries) sizesOf.delete(target); redraw(); });
function sizeOf(canvas) {
  if (!sizesOf.has(canvas) || !sizesOf.get(canvas)[0]) {
    const box = canvas.getBoundingClientRect();
    if (!sizesOf.has(canvas)) watcher.observe(canvas);
    sizesOf.set(canvas, [Math.round(box.width), Math.round(box.height)]);
  }
  return sizesOf.get(canvas);
}

// A canvas that is sharp on every screen: draw(context, width, height) in CSS pixels.
function paint(canvas, draw) {
  const ratio = window.devicePixelRatio || 1, [width, height] = sizeOf(canvas);
  if (!width || !height) return;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = "12px system-ui, sans-serif";
  draw(context, width, height);
}

// --- what the tape says

const leafCount = () => T.inputs + T.parameters;
const gradientPlace = (k) => T.results[1 + k];
const outputPlace = (i) => T.results[2 + T.parameters + i];
const nodePlace = (i) => T.results[2 + T.parameters + D.outputs + i];

function readTape(t, index) {
  const add = (changes) => { let sum = 0; return Int32Array.from(changes, (c) => (sum += c)); };
  const first = D.tapes[0].lists, lists = (t.lists = {});
  for (const key of ["operations", "counts", "arguments", "results", "giver", "argument", "local", "passed", "after"]) {
    if (!index) { lists[key] = t[key]; continue; }
    const [start, end, middle] = t[key], whole = first[key];
    lists[key] = [...whole.slice(0, start), ...middle, ...(end ? whole.slice(-end) : [])];
  }
  Object.assign(t, { inputs: D.inputs, parameters: D.parameters, rows: D.rowTable, operations: lists.operations });
  const leaves = t.inputs + t.parameters, starts = [0];
  t.operations.forEach((row, i) => starts.push(starts[i] + (lists.counts[i] || argumentCount(t.rows[row]))));
  t.starts = Int32Array.from(starts);
  t.arguments = Int32Array.from(lists.arguments);
  for (let i = 0; i < t.operations.length; i += 1) {
    for (let a = t.starts[i]; a < t.starts[i + 1]; a += 1) if (t.arguments[a] >= 0) t.arguments[a] = leaves + i - t.arguments[a];
  }
  t.results = Array.from(add(lists.results));
  t.numbers = t.numbers.map(Number);
  const [giver, argument, local_, passed, after] = ["giver", "argument", "local", "passed", "after"].map((key) => add(lists[key]));
  const known = new Map([[t.results[0], ONE]]); // the gradient that each scalar has so far
  t.steps = Array.from(giver, (g, i) => {
    const receiver = t.arguments[t.starts[g - leaves] + argument[i]];
    const step = { giver: g, argument: argument[i], receiver, local: local_[i], upstream: known.get(g), passed: passed[i], before: known.get(receiver) ?? ZERO, after: after[i] };
    known.set(receiver, after[i]);
    return step;
  });
  return t;
}
const ZERO = -1e9, ONE = -1e9 - 1; // arguments that stand for the numbers 0 and 1
const argumentCount = (row) => row[2].slopes.length;

// Other activations than the model's own: other trees for the outputs of its neurons, and for their slopes.
function replaced() {
  const instead = new Map();
  for (const neuron of D.neurons) {
    const name = S.acts[neuron.column];
    if (!name || name === neuron.activation || !D.activations[neuron.activation]) continue;
    const z = nodePlace(neuron.sum), output = nodePlace(neuron.output), [value, slope] = D.activations[name];
    instead.set(output, [value, [z]]);
    for (const step of T.steps) {
      if (step.giver === output && step.receiver === z && step.local >= leafCount()) instead.set(step.local, [slope, [z, output]]);
    }
  }
  return instead.size ? instead : null;
}

function machines() {
  T = D.tapes[S.loss];
  const instead = replaced(), make = (results, more) => new Machine(T, results, { instead, ...more });
  M.make = make;
  M.gradient = make(T.results.slice(0, 1 + T.parameters));
  M.all = make([T.results[0], ...Array.from({ length: D.outputs }, (_, i) => outputPlace(i))], { block: 64 });
  M.loss = make([T.results[0]], { block: 64, keep: true });
  M.field = make([...D.neurons.map((n) => nodePlace(n.output)), ...Array.from({ length: D.outputs }, (_, i) => outputPlace(i))], { block: 64 });
  const places = Array.from({ length: leafCount() + T.operations.length }, (_, i) => i);
  M.scalars = make(places, { block: 1, keep: true }); // every scalar of one example
  M.wish = null;
  gradient = new Float64Array(1 + T.parameters);
  S.version += 1;
}
let gradient; // the loss and the gradient of the last mini-batch

// Every scalar of the chosen example: scalars()[place].
let scalarCache = { version: -1 };
function scalars() {
  if (scalarCache.version !== S.version) scalarCache = { version: S.version, values: M.scalars.one(exampleRow(), S.theta) };
  return scalarCache.values;
}
const at = (place) => (place >= 0 ? scalars()[place] : place === ZERO ? 0 : place === ONE ? 1 : T.numbers[-1 - place]);
const rowWidth = () => T.inputs;
const exampleRow = () => X.subarray(S.example * rowWidth(), (S.example + 1) * rowWidth());
const target = (i) => X[i * rowWidth() + D.width];
const total = () => D.train + D.test;
// A Dataset may have scaled its numbers: the mean and the scale of column i, of which those after the inputs are targets.
const unitOf = (i) => (!D.units ? [0, 1] : i < D.width ? D.units.features[i] : D.units.target);
const inUnits = (i, x) => x * unitOf(i)[1] + unitOf(i)[0];

// The loss, the outputs and how many are right, for all examples.
let allCache = { version: -1 };
function all() {
  if (allCache.version === S.version) return allCache;
  const n = total(), table = M.all.table(X, S.theta, null, n, new Float64Array((1 + D.outputs) * n));
  const sums = [0, 0], right = [0, 0], predicted = new Int32Array(n);
  for (let i = 0; i < n; i += 1) {
    const part = i < D.train ? 0 : 1;
    sums[part] += table[i];
    predicted[i] = answer((o) => table[(1 + o) * n + i]);
    if (D.task !== "numbers") right[part] += predicted[i] === classOf(i);
  }
  allCache = { version: S.version, table, predicted, train: sums[0] / D.train, test: D.test ? sums[1] / D.test : NaN, right };
  return allCache;
}

function answer(output) { // the class that the outputs stand for
  if (D.task === "two") return output(0) > D.threshold ? 1 : 0;
  let best = 0;
  for (let o = 1; o < D.outputs; o += 1) if (output(o) > output(best)) best = o;
  return best;
}
const classOf = (i) => (D.task === "two" ? Number(target(i) === D.levels[1]) : target(i));

// --- training

let random, order = [], position = 0;
function seeded(seed) { // mulberry32
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function nextBatch() {
  if (position >= order.length) {
    order = Array.from({ length: D.train }, (_, i) => i);
    for (let i = order.length - 1; i > 0; i -= 1) {
      const j = Math.floor(random() * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
    position = 0;
  }
  const batch = order.slice(position, position + S.batch);
  position += S.batch;
  return batch;
}

const recent = []; // the parameters before the last steps
function update(rows = nextBatch()) {
  M.gradient.means(X, S.theta, rows, rows.length, gradient);
  S.rows = rows;
  for (const number of gradient) if (!Number.isFinite(number)) return notFinite(rows);
  recent.push(S.theta.slice());
  if (recent.length > 11) recent.shift();
  S.optimiser.update(S.theta, gradient.subarray(1), S.fixed);
  for (const number of S.theta) {
    if (!Number.isFinite(number)) {
      S.theta.set(recent.pop());
      return notFinite(rows);
    }
  }
  S.step += 1;
  S.version += 1;
  return true;
}

function notFinite(rows) {
  stop();
  const lost = S.theta.findIndex((x) => !Number.isFinite(x));
  if (lost >= 0) { // the model came like this, or from such a snapshot
    const owner = D.neurons.findIndex((n) => n.bias === lost || n.terms.some(([w]) => w === lost));
    if (owner >= 0) chooseNeuron(owner, D.neurons[owner].terms.findIndex(([w]) => w === lost));
    else S.weight = lost;
    S.lost = lost;
    say(`${D.names[lost]} is ${fmt(S.theta[lost])}, so nothing can be computed: give it another number.`);
    redraw();
    return false;
  }
  const loss = new Float64Array(1);
  const bad = Array.from(rows).find((i) => !Number.isFinite(M.loss.means(X, S.theta, [i], 1, loss)[0])) ?? rows[0];
  S.example = bad;
  S.version += 1;
  const place = scalars().findIndex((x) => !Number.isFinite(x));
  const where = place < 0 ? "the update itself" : `${nameOf(place)} is ${fmt(scalars()[place])}`;
  say(`Stopped at step ${S.step}: ${where}, for example ${bad + 1}. The last finite parameters are kept.`,
    el("button", { type: "button", text: "halve the rate, go back 10 steps", onclick: () => {
      if (recent.length) S.theta.set(recent[0]);
      S.step = Math.max(0, S.step - recent.length);
      S.history = S.history.filter((one) => one.step <= S.step);
      if (!D.history) S.film = S.film.filter((one) => one.step <= S.step);
      recent.length = 0;
      setRate(S.optimiser.settings.rate / 2);
      S.optimiser.forget();
      S.version += 1;
      freshGradient();
      say("");
      redraw();
    } }), el("button", { type: "button", text: "restart", onclick: reset }));
  redraw();
  return false;
}

let messageBox;
function say(text, ...more) {
  S.said = text;
  messageBox.replaceChildren(...(text ? [el("span", { text }), ...more] : []));
  messageBox.hidden = !text;
}

function record() {
  const found = all();
  S.history.push({ step: S.step, train: found.train, test: found.test, sizes: sizes() });
  if (S.history.length > 1200) S.history = S.history.filter((_, i) => i % 2 === 0);
  if (!D.history && (S.film.length === 0 || S.step - S.film[S.film.length - 1].step >= S.filmEvery)) {
    S.film.push({ step: S.step, theta: S.theta.slice() });
    if (S.film.length > 240) { S.film = S.film.filter((_, i) => i % 2 === 0); S.filmEvery *= 2; }
  }
}

let groups = [];
function groupParameters() { // the parameters of each layer, for the sizes of their gradients
  const columns = new Map();
  for (const n of D.neurons) {
    if (!columns.has(n.column)) columns.set(n.column, new Set());
    for (const [w] of n.terms) columns.get(n.column).add(w);
    if (n.bias >= 0) columns.get(n.column).add(n.bias);
  }
  groups = columns.size ? [...columns].sort((a, b) => a[0] - b[0]).map(([c, set]) => ({ name: "layer " + c, members: [...set] }))
    : [{ name: "all parameters", members: Array.from({ length: T.parameters }, (_, k) => k) }];
}
function sizes() {
  return groups.map(({ members }) => Math.sqrt(members.reduce((sum, k) => sum + gradient[1 + k] ** 2, 0) / members.length));
}

let frame = 0, frames = 0, drawing = 4, pace = 1; // drawing: how many milliseconds a frame takes besides the training
// While it trains, the parts take turns: one that is drawn in each second or fourth frame has its own of these.
const turn = (every, which) => !S.playing || frames % (every * pace) === which * pace;
const heavy = () => total() * M.all.each.codes.length > 2e5; // then not everything is computed for each frame
function play() {
  if (S.playing) return stop();
  dropGhost(true);
  if (!S.until) $("opening").hidden = true;
  goOn();
  S.playing = true;
  playButton();
  frame = requestAnimationFrame(tick);
}
function stop() {
  const last = S.history[S.history.length - 1];
  if (S.playing && last && last.step !== S.step && Number.isFinite(all().train)) record(); // not each frame records
  S.playing = false;
  cancelAnimationFrame(frame);
  if (S.until) { S.until = 0; opening(); }
  playButton();
  redraw();
}
function tick() {
  const start = performance.now(), most = S.until ? Math.min(2, S.until - S.step) : S.speed === "slow" ? (frames % 6 === 0 ? 1 : 0) : S.speed === "normal" ? 4 : 10000;
  let done = 0;
  const room = Math.max(3, 12 - drawing);
  while (done < most && performance.now() - start < room) {
    if (!update()) return;
    done += 1;
  }
  frames += 1;
  const trained = performance.now();
  if (done && (!heavy() || frames % 3 === 1)) record();
  drawAll();
  drawing = 0.9 * drawing + 0.1 * (performance.now() - trained);
  pace = drawing > 12 ? 2 : 1;
  if (S.until && S.step >= S.until) { stop(); captions(); return; }
  if (S.playing) frame = requestAnimationFrame(tick);
}
// Training goes on from a moment of the replay, or after a recorded training: what came later is no part of its curve.
function goOn() {
  const moment = momentNow();
  if (D.history ? S.step && !S.shot : !S.shot) return;
  if (D.history) Object.assign(S, { from: moment, step: 0, history: [] });
  else {
    const before = (one) => one.step <= moment.step;
    Object.assign(S, { step: moment.step, history: S.history.filter(before), film: S.film.filter(before) });
  }
  S.shot = null;
  S.optimiser.forget();
  order = []; position = 0; recent.length = 0;
  if (!S.history.length) record();
}
// The snapshot that the page shows, if it shows one.
const momentNow = () => S.shot ?? (D.history && !S.step ? S.film.findLast((one) => one.theta.every((x, k) => x === S.theta[k])) : undefined);
function oneStep() {
  stop();
  $("opening").hidden = true;
  dropGhost(true);
  goOn();
  if (update()) record();
  redraw();
}
function reset() {
  S.playing && stop();
  $("opening").hidden = true;
  S.theta.set(D.theta.map(Number));
  S.optimiser.forget();
  Object.assign(S, { step: 0, history: [], film: D.history ? S.film : [], filmEvery: 1, ghost: null, rows: null, shot: null });
  random = seeded(D.seed);
  order = []; position = 0; recent.length = 0;
  S.version += 1;
  say("");
  firstGradient();
  if (D.history) recorded();
  else record();
  redraw();
}
function firstGradient() { M.gradient.means(X, S.theta, null, Math.min(D.train, 256), gradient); }
// The mean gradient where the parameters and the data are now: of the last mini-batch, or of all (at most 256) examples.
function freshGradient() { if (S.rows && S.rows.length) M.gradient.means(X, S.theta, S.rows, S.rows.length, gradient); else firstGradient(); }
function setRate(rate) { S.optimiser.settings.rate = rate; }

// --- editing numbers, with the old one as a ghost until it is kept


function setParameter(k, value) {
  if (!Number.isFinite(value)) return;
  if (S.lost === k) { S.lost = null; say(""); }
  S.playing && stop();
  if (!S.ghost || S.ghost.k !== k) {
    const { L, g } = whatIfStart(k);
    S.ghost = { k, old: S.theta[k], L, g };
  }
  S.theta[k] = value;
  S.weight = k;
  S.version += 1;
  freshGradient();
  redraw();
}
function setInput(i, value) {
  if (!Number.isFinite(value)) return;
  S.playing && stop();
  S.oldInputs ??= { example: S.example, row: exampleRow().slice() };
  X[S.example * rowWidth() + i] = value;
  S.version += 1;
  freshGradient();
  redraw();
}
function dropGhost(keep) {
  if (S.oldInputs) {
    if (!keep) X.set(S.oldInputs.row, S.oldInputs.example * rowWidth());
    S.oldInputs = null;
    S.version += 1;
    freshGradient();
  }
  if (!S.ghost) return;
  if (!keep) S.theta[S.ghost.k] = S.ghost.old;
  S.ghost = null;
  S.version += 1;
  freshGradient();
}

// A number that can be moved: arrows 1 %, with Shift 10 %, the wheel, dragging, typing; Esc brings the old one back.
function spin({ name, get, set, className = "" }) {
  const box = el("span", { className: "spin " + className, role: "spinbutton", tabindex: "0", "aria-label": name, title: name + ": drag, type, or use the arrow keys" });
  const by = (share) => { const x = get(); set(x + share * Math.max(Math.abs(x), 0.1)); };
  let typed = null, hinted = 0;
  const hint = (said) => { // beside the number, for a moment
    box.dataset.hint = said;
    $("told").textContent = said;
    clearTimeout(hinted);
    hinted = setTimeout(() => delete box.dataset.hint, 2500);
  };
  const take = () => { const text = typed, x = Number(text.replace("−", "-")); typed = null; if (text.trim() && Number.isFinite(x)) set(x); else hint(`${text} is not a number that can be used`); show(); };
  box.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const big = event.shiftKey ? 0.1 : 0.01;
    if (typed !== null) {
      if (event.key === "Enter" || event.key === "Tab") take();
      else if (event.key === "Escape") { typed = null; show(); }
      else if (event.key === "Backspace") { typed = typed.slice(0, -1); show(); }
      else if (/^[-−+0-9.eE]$/.test(event.key)) { typed += event.key; show(); }
      else if (event.key.length === 1) hint("type a number, such as −0.5");
      else return;
    } else if (event.key === "ArrowUp" || event.key === "ArrowRight") by(big);
    else if (event.key === "ArrowDown" || event.key === "ArrowLeft") by(-big);
    else if (event.key === "Escape") { dropGhost(false); redraw(); }
    else if (event.key === "Enter" && S.ghost) { dropGhost(true); redraw(); }
    else if (/^[-−0-9.]$/.test(event.key)) { typed = event.key; show(); }
    else if (event.key.length === 1 && event.key !== " ") hint("type a number, such as −0.5");
    else return;
    if (event.key !== "Tab") event.preventDefault();
    event.stopPropagation();
  });
  box.addEventListener("blur", () => { if (typed !== null) take(); });
  box.addEventListener("wheel", (event) => { if (document.activeElement === box) { event.preventDefault(); by(event.deltaY < 0 ? 0.01 : -0.01); } }, { passive: false });
  box.addEventListener("pointerdown", (event) => {
    const x0 = event.clientX, start = get(), size = Math.max(Math.abs(start), 0.25);
    let moved = false;
    box.setPointerCapture(event.pointerId);
    const move = (e) => { if (moved || Math.abs(e.clientX - x0) > 2) { moved = true; set(start + ((e.clientX - x0) / 120) * size); } };
    const up = () => { box.removeEventListener("pointermove", move); box.removeEventListener("pointerup", up); };
    box.addEventListener("pointermove", move);
    box.addEventListener("pointerup", up);
  });
  const show = () => {
    const x = get();
    box.classList.toggle("typing", typed !== null);
    box.textContent = typed ?? fmt(x);
    box.setAttribute("aria-valuenow", String(x));
    box.setAttribute("aria-valuetext", fmt(x));
  };
  box.show = show;
  show();
  return box;
}

// --- names

function nameOf(place) {
  if (place < 0) return fmt(T.numbers[-1 - place]);
  if (place < D.width) return D.features[place];
  if (place < T.inputs) return T.inputs - D.width === 1 ? "y" : "y" + (place - D.width + 1);
  if (place < leafCount()) return D.names[place - T.inputs];
  const known = local.get(place) ?? T.names[place] ?? homeOf(place)?.name;
  if (known) return known;
  const i = place - leafCount(), args = T.arguments.subarray(T.starts[i], T.starts[i + 1]);
  if (T.rows[T.operations[i]][0] === "multiply" && args.every((a) => a < leafCount() || local.has(a))) return `${nameOf(args[0])}·${nameOf(args[1])}`;
  return T.rows[T.operations[place - leafCount()]][0] + " " + (place - leafCount() + 1);
}
const local = new Map(); // names that a panel gave to the scalars that it shows

// The scalars of which one is computed, down to those of the frontier, in the order of the tape.
const argumentsAt = (place) => Array.from(T.arguments.subarray(T.starts[place - leafCount()], T.starts[place - leafCount() + 1]));
function within(end, frontier) {
  const found = new Set(), stack = [end];
  while (stack.length) {
    const place = stack.pop();
    if (place < leafCount() || frontier.has(place) || found.has(place)) continue;
    found.add(place);
    stack.push(...argumentsAt(place));
  }
  return [...found].sort((a, b) => a - b);
}
const frontierOf = (n) => new Set(n.terms.filter(([, index]) => index >= 0).map(([, index]) => nodePlace(index)));
const frontierOfLoss = () => new Set(D.neurons.length ? Array.from({ length: D.outputs }, (_, i) => outputPlace(i)).filter((place) => place !== T.results[0]) : []);
function shortNames(places, known) { // m1, m2, s1 …: one for each that has no name yet
  const counts = {}, short = { multiply: "m", add: "s", subtract: "d" };
  for (const place of places) {
    if (known.has(place) || T.names[place]) continue;
    const row = T.rows[T.operations[place - leafCount()]][0], letter = short[row] ?? row;
    counts[letter] = (counts[letter] ?? 0) + 1;
    known.set(place, letter + counts[letter]);
  }
  return known;
}
// Where a scalar belongs: the neuron or the loss, and the name that it has there, with "of h2_1" after it.
let homes = { tape: null };
function homeOf(place) {
  if (homes.tape !== T) {
    homes = { tape: T, map: new Map() };
    const put = (end, frontier, owner, known) => {
      const places = within(end, frontier);
      shortNames(places, known);
      for (const one of places) if (!homes.map.has(one) && !T.names[one]) homes.map.set(one, { owner, name: known.get(one) === owner ? owner : `${known.get(one)} of ${owner}` });
    };
    for (const n of D.neurons) put(nodePlace(n.output), frontierOf(n), n.name, new Map([[nodePlace(n.sum), "z"], [nodePlace(n.output), n.name]]));
    if (D.kind === "model" && D.neurons.length) put(T.results[0], frontierOfLoss(), "the loss", new Map([[T.results[0], "the loss"]]));
  }
  return homes.map.get(place);
}

// --- drawing, at most once a frame

const parts = []; // functions that draw one part each
let asked = false;
function redraw() {
  if (asked || S.playing) return;
  asked = true;
  requestAnimationFrame(() => { asked = false; drawAll(); });
}
function drawAll() {
  for (const part of parts) part();
  tell();
}
let lastTold = 0;
function tell() { // one live region, which does not chatter
  const now = performance.now();
  if (!$("told") || now - lastTold < 1500) return;
  lastTold = now;
  $("told").textContent = S.playing ? "" : summary();
}
function summary() {
  const found = all();
  const right = D.task === "numbers" || !D.outputs ? "" : `, right ${found.right[D.test ? 1 : 0]} of ${D.test || D.train}`;
  const moment = momentNow();
  return `${D.history && moment ? "epoch" : "step"} ${moment ? moment.step : S.step}, loss ${fmt(found.train, 3)}${D.test ? `, test ${fmt(found.test, 3)}` : ""}${right}`;
}
const wants = (part) => D.show.includes(part);

// --- the header

// A text that stays as it is costs nothing; one that becomes another has the page laid out again.
function setText(place, text) {
  const node = place.firstChild;
  if (!node || node.nodeType !== 3 || place.childNodes.length > 1) { if (place.textContent !== text) place.textContent = text; }
  else if (node.data !== text) node.data = text;
}
const icon = (path) => { const s = svg("svg", { viewBox: "0 0 16 16", width: 14, height: 14, "aria-hidden": "true" }); svg("path", { d: path, fill: "currentColor" }, s); return s; };
const ICONS = { play: "M3 1.5v13l11-6.5z", pause: "M3 2h4v12H3zM9 2h4v12H9z", one: "M2 2v12l8-6zM11 2h3v12h-3z", next: "M4 1.500v13l10-6.500z", back: "M12 1.500v13L2 8z",
  reset: "M8 2a6 6 0 1 0 5.7 4.1l-1.9.6A4 4 0 1 1 8 4v3l5-4-5-4z", first: "M14 2v12L6 8zM2 2h2.4v12H2z", last: "M2 2v12l8-6zM11.600 2H14v12h-2.400z" };
function iconButton(name, text, onclick, more = {}) {
  return el("button", { type: "button", onclick, title: text, "aria-label": text, ...more }, icon(ICONS[name]), ...(more.word ? [el("span", { text: more.word })] : []));
}
let playerButton;
function playButton() {
  if (!playerButton) return;
  playerButton.replaceChildren(icon(ICONS[S.playing ? "pause" : "play"]), el("span", { text: S.playing ? "Pause" : "Train" }));
  playerButton.setAttribute("aria-label", S.playing ? "pause the training" : "train");
}
function choose(label, options, value, onchange) {
  const select = el("select", { "aria-label": label, onchange: () => onchange(select.value) },
    ...options.map(([v, text]) => el("option", { value: v, text, selected: String(v) === String(value) })));
  return el("label", { className: "field" }, el("span", { text: label }), select);
}

function header() {
  playerButton = el("button", { type: "button", className: "main", id: "play", onclick: play });
  playButton();
  const bar = el("header", { className: "bar" });
  const rate = el("input", { type: "range", min: "-4", max: "1", step: "0.01", id: "rate", "aria-label": "learning rate", value: String(Math.log10(S.optimiser.settings.rate)),
    oninput: () => { setRate(Number((10 ** Number(rate.value)).toPrecision(2))); redraw(); } });
  const shown = el("b", { className: "num", id: "rateshown" });
  const figures = [["step"], ["train", "train loss"], ["test", "test loss"], ["right", D.test ? "right (test)" : "right"]].map(([name, words]) => el("span", { className: "figure", id: "figure-" + name }, el("small", { text: words ?? name }), el("b", { className: "num", text: "0" })));
  const sizesOfBatch = [...new Set([1, 4, 8, 16, 32, 64, 128, D.train, S.batch])].filter((b) => b <= D.train).sort((a, b) => a - b);
  bar.append(playerButton, iconButton("one", "one step", oneStep, { id: "one", word: "one step" }), iconButton("reset", "back to the start", reset, { id: "reset", word: "restart" }));
  bar.append(choose("speed", [["slow", "slow"], ["normal", "normal"], ["fast", "fast"]], S.speed, (v) => { S.speed = v; }));
  if (wants("optimiser")) bar.append(choose("optimiser", [["SGD", "SGD"], ["momentum", "SGD, momentum"], ...Object.keys(RULES).filter((n) => n !== "SGD").map((n) => [n, n])], S.optimiser.name === "SGD" && S.optimiser.settings.momentum ? "momentum" : S.optimiser.name, chooseOptimiser));
  const now = D.schedule ? el("small", { className: "num", id: "ratenow", title: "the optimiser's schedule says which share of the learning rate each step takes" }) : null;
  bar.append(el("label", { className: "field" }, el("span", { text: "learning rate" }), rate, shown), ...(now ? [now] : []));
  bar.append(choose("mini-batch", sizesOfBatch.map((b) => [b, b === D.train ? `all ${b}` : b]), S.batch, (v) => { S.batch = Number(v); }));
  if (D.losses.length > 1) bar.append(choose("loss", D.losses.map((n, i) => [i, n]), S.loss, (v) => { S.loss = Number(v); machines(); firstGradient(); scalarPanel && scalarPanel.rebuild(); S.history = []; if (D.history && !S.step) recorded(); else record(); redraw(); }));
  const group = el("span", { className: "figures", role: "group", "aria-label": "how the training goes" }, ...figures);
  bar.append(group);
  group.append(helpButton("bar", group, "the training"));
  parts.push(() => {
    if (heavy() && !turn(3, 1)) return; // as record(), for both need all examples
    const found = all(), put = (id, text) => { const place = $("figure-" + id); place.hidden = text === null; setText(place.lastChild, text); };
    const moment = momentNow();
    setText($("figure-step").firstChild, !D.history ? "step" : moment ? "epoch" : "new steps");
    put("step", String(moment ? moment.step : S.step));
    put("train", fmt(found.train, 3));
    put("test", D.test ? fmt(found.test, 3) : null);
    put("right", D.task === "numbers" ? null : D.test ? `${found.right[1]}/${D.test}` : `${found.right[0]}/${D.train}`);
    setText(shown, fmt(S.optimiser.settings.rate, 2));
    if (now) setText(now, `schedule: now ${fmt(S.optimiser.rate(), 2)}`);
    if (document.activeElement !== rate) rate.value = String(Math.log10(S.optimiser.settings.rate));
  });
  return bar;
}
function chooseOptimiser(name) {
  const rate = S.optimiser.settings.rate;
  S.optimiser = new Optimiser(name === "momentum" ? "SGD" : name, { rate, schedule: D.schedule, ...(name === "momentum" ? { momentum: 0.9 } : {}) }, T.parameters);
  redraw();
}
function sideways(box) { // what is said above a box that is wider than the screen
  const note = el("p", { className: "note noprint sideways", text: "There is more to the right: scroll sideways.", hidden: true });
  parts.push(() => { if (!S.playing) note.hidden = box.scrollWidth <= box.clientWidth + 1; });
  return note;
}
function panel(id, title, ...children) {
  const head = el("h2", { "aria-labelledby": `${id}-title` }, el("span", { id: `${id}-title`, text: title })), box = el("section", { className: "panel", id, "aria-label": title }, head, ...children);
  if (helpOf(id)) head.append(helpButton(id, head, title.replace(/^\d /, "").trim()));
  return box;
}
