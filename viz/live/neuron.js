// Zoom 2: one neuron and one example, in numbers; what if one weight were another; and why it changes as it does.

let lastSteps = { tape: null };
function stepsTo(place) { // the steps in which a scalar receives a gradient, in order
  if (lastSteps.tape !== T) {
    lastSteps = { tape: T, map: new Map() };
    for (const step of T.steps) {
      if (!lastSteps.map.has(step.receiver)) lastSteps.map.set(step.receiver, []);
      lastSteps.map.get(step.receiver).push(step);
    }
  }
  return lastSteps.map.get(place) ?? [];
}
function adjoint(place) { // its gradient, for the chosen example
  if (place === T.results[0]) return 1;
  const steps = stepsTo(place);
  return steps.length ? at(steps[steps.length - 1].after) : 0;
}
const exampleName = (i) => `example ${i + 1}${i >= D.train ? " (test)" : ""}`;
const targetName = (i) => (D.task === "numbers" ? fmt(target(i)) : D.classes[classOf(i)]);
function unscaled() { // the chosen example in the units of its table
  const told = D.features.map((name, i) => `${name} ${fmt(inUnits(i, exampleRow()[i]))}`), many = told.length > 8;
  const numbers_ = D.task === "numbers" ? `; target ${fmt(inUnits(D.width, target(S.example)))}, predicted ${fmt(inUnits(D.width, at(outputPlace(0))))}` : "";
  return `The page computes with scaled numbers, as Python does. In the units of the table, the example is: ${told.slice(0, 8).join(", ")}${many ? ", …" : ""}${numbers_}.`;
}
const tone = (x) => (x < 0 ? "below" : x > 0 ? "above" : "");
const number = (x, className = "", digits = 4) => el("td", { className: "num " + className, text: fmt(x, digits) });

function neuronPanel() {
  const box = panel("neuron", "2  One neuron, one example"), title = box.querySelector("h2").firstChild;
  const shown = el("output", { className: "num", id: "example" });
  const walk = el("span", { className: "walk" }, iconButton("back", "example before", () => chooseExample(S.example - 1)), shown, iconButton("next", "next example", () => chooseExample(S.example + 1)));
  if (D.kind === "model") box.querySelector("h2").append(walk);
  const body = el("div", { className: "scroll" }), own = el("p", { className: "note", id: "units", hidden: !D.units });
  box.append(sideways(body), body, own);
  let built = null, cells = [], said, more = 0; // more: a column for what weights get from their other uses, such as a penalty
  const build = () => {
    built = `${S.neuron} ${S.loss} ${D.neurons.length}`;
    body.replaceChildren();
    cells = [];
    if (D.neurons.length) buildNeuron();
    else buildParameters();
  };
  const heads = [["into it", ""], ["value", ""], ["× weight", ""], ["= part", ""], ["∂z/∂w", "slope"], ["× ∂loss/∂z", "up"], ["= w.grad, this example", ""], ["it asks of the value", "soft"]];
  function buildNeuron() {
    const n = D.neurons[S.neuron], table = el("table", { className: "terms" }), own = new Set(within(nodePlace(n.sum), frontierOf(n)));
    const others = (w) => stepsTo(T.inputs + w).filter((s) => !own.has(s.giver));
    more = [...n.terms.map(([w]) => w), n.bias].some((w) => w >= 0 && others(w).length) ? 1 : 0;
    table.append(el("thead", {}, el("tr", {}, ...[...heads.slice(0, 6), ...(more ? [["+ other uses of w", ""]] : []), ...heads.slice(6)].map(([text, c]) => el("th", { scope: "col", className: c, text })))));
    const rows = el("tbody");
    n.terms.forEach(([w, index], term) => {
      const source = index < 0 ? {} : sourceOf(index), place = index < 0 ? -1 : nodePlace(index);
      const name = source.neuron !== undefined ? D.neurons[source.neuron].name : place >= 0 ? nameOf(place) : "1";
      const weight = spin({ name: D.names[w], get: () => S.theta[w], set: (x) => { S.term = term; setParameter(w, x); } });
      const value = source.input !== undefined ? spin({ name: D.features[source.input], get: () => exampleRow()[source.input], set: (x) => setInput(source.input, x) }) : null;
      const row = el("tr", { onclick: () => chooseNeuron(S.neuron, term) },
        el("th", { scope: "row" }, el("button", { type: "button", className: "link", text: name, title: `${name}, by the weight ${D.names[w]}: look at it in what if` })),
        el("td", { className: "num" }, value), el("td", { className: "num" }, weight), number(0), number(0, "slope"), number(0, "up"), more ? number(0) : null, number(0), number(0, "soft"));
      rows.append(row);
      cells.push({ row, w, place, weight, value, term, others: others(w) });
    });
    if (n.bias >= 0) {
      const w = n.bias, weight = spin({ name: D.names[w], get: () => S.theta[w], set: (x) => { S.term = -1; setParameter(w, x); } });
      const row = el("tr", { onclick: () => chooseNeuron(S.neuron, -1) }, el("th", { scope: "row" }, el("button", { type: "button", className: "link", text: "bias", title: D.names[w] })),
        el("td", { className: "num", text: "1" }), el("td", { className: "num" }, weight), number(0), el("td", { className: "num slope", text: "1" }), number(0, "up"), more ? number(0) : null, number(0), el("td"));
      rows.append(row);
      cells.push({ row, w, place: null, weight, term: -1, others: others(w) });
    }
    table.append(rows);
    said = el("div", { className: "sums" });
    body.append(table, said);
  }
  function buildParameters() {
    const table = el("table", { className: "terms" });
    table.append(el("thead", {}, el("tr", {}, ...[D.kind === "value" ? "leaf" : "parameter", "data", D.kind === "value" ? "gradient" : "gradient for the example"].map((text) => el("th", { scope: "col", text })))));
    const rows = el("tbody");
    D.names.slice(0, 400).forEach((name, w) => {
      const weight = spin({ name, get: () => S.theta[w], set: (x) => setParameter(w, x) });
      const row = el("tr", { onclick: () => { if (S.weight !== w) { S.weight = w; dropGhost(true); redraw(); } } }, el("th", { scope: "row", text: name, title: name }), el("td", { className: "num" }, weight), number(0));
      rows.append(row);
      cells.push({ row, w, weight });
    });
    table.append(rows);
    body.append(table, D.names.length > 400 ? el("p", { className: "note", text: `These are the first 400 of ${D.names.length} parameters; “numbers as a table” below shows all.` }) : "");
  }
  parts.push(() => {
    if (!turn(6, 1)) return;
    if (built !== `${S.neuron} ${S.loss} ${D.neurons.length}`) build();
    if (D.units) setText(own, unscaled());
    if (D.kind === "model") shown.textContent = `${exampleName(S.example)} · ${targetName(S.example)} · loss ${fmt(at(T.results[0]), 3)}`;
    if (!D.neurons.length) {
      title.textContent = D.kind === "value" ? "The leaves" : "Parameters, one example";
      for (const { row, w, weight } of cells) {
        const g = at(gradientPlace(w));
        weight.show();
        row.lastChild.textContent = fmt(g);
        row.lastChild.className = "num " + tone(g);
        row.classList.toggle("chosen", w === S.weight);
      }
      return;
    }
    const n = D.neurons[S.neuron], z = nodePlace(n.sum), h = nodePlace(n.output), dz = adjoint(z);
    title.textContent = `2  Neuron ${n.name}`;
    for (const { row, w, place, weight, value, term, others } of cells) {
      const g = at(gradientPlace(w)), x = place === null || place < 0 ? 1 : at(place), put = (i, number, c) => { setText(row.children[i], fmt(number)); if (c !== undefined) row.children[i].className = "num " + c; };
      weight.show();
      if (value) value.show();
      else if (place !== null) put(1, x);
      put(3, x * S.theta[w]);
      if (place !== null) put(4, x);
      put(5, dz);
      if (more) put(6, others.reduce((sum, s) => sum + at(s.passed), 0));
      put(6 + more, g, tone(g));
      if (place !== null) put(7 + more, -S.theta[w] * dz, "soft");
      row.classList.toggle("chosen", w === S.weight);
      row.classList.toggle("edited", S.ghost !== null && S.ghost.k === w);
    }
    sums(said, n, z, h, dz);
  });
  return box;
}

function sums(box, n, z, h, dz) {
  const name = S.acts[n.column] ?? n.activation, b = (x, c = "") => el("b", { className: "num " + c, text: fmt(x) }), line = (...more) => el("p", {}, ...more);
  const forward = line("z = the sum of the parts = ", b(at(z)));
  if (z !== h) forward.append(`  →  ${n.name} = ${name || "f"}(z) = `, b(at(h)));
  const lines = [forward], users = stepsTo(h);
  if (z !== h) {
    if (users.length) {
      const factors = users.flatMap((s) => [at(s.local), at(s.upstream)]), sum = (...f) => f.reduce((whole, x, i) => (i % 2 ? whole + f[i - 1] * x : whole), 0);
      const [texts, equals] = equation(factors, sum, adjoint(h)), terms = users.slice(0, 4).map((_, i) => `${br(texts[2 * i])} × ${br(texts[2 * i + 1])}`).join(" + ");
      lines.push(line(`${n.name}.grad adds up over the ${users.length} that use${users.length === 1 ? "s" : ""} it: ${terms}${users.length > 4 ? " + …" : ""} ${equals} `, b(adjoint(h), "up")));
    }
    const slope = stepsTo(z).find((s) => s.giver === h), words = D.activations[name];
    const formula = words && words[2].slopes[0] ? write(words[2].slopes[0], n.name, ["z"]) + " = " : "";
    if (slope) {
      const [[by, from], equals] = equation([at(slope.local), at(slope.upstream)], (x, y) => x * y, dz);
      const told = words?.[2].why[0];
      if (told) lines.push(el("p", { className: "note", text: `local derivative: how fast ${n.name} changes with z; ${told}${formula.includes("step(") ? "; step is 1 above 0, and 0 elsewhere" : ""}` }));
      lines.push(line(el("span", { className: "slope", text: `local derivative ${formula}${by}` }), " × ", el("span", { className: "up", text: `upstream gradient ${from}` }), ` ${equals} ∂loss/∂z = `, b(dz, tone(dz))));
    }
  } else lines.push(line("the loss says: ", el("span", { className: "up", text: "∂loss/∂z = " }), b(dz, tone(dz))));
  box.replaceChildren(...lines);
}

// A formula of a row: \ue000, \ue001 … stand for its arguments, \ue00f for its output.
function write(formula, output, names) {
  return formula.replace(/[\ue000-\ue00f]/g, (mark) => (mark === "\ue00f" ? output : names[mark.charCodeAt(0) - 0xe000] ?? "?"));
}

// --- what if

const BUDGET = 1.2e6; // scalar operations for one curve
function whatIfRows() { // the training examples that the curve is of: all of them, or as many as can be computed at once
  const each = M.loss.each.codes.length + 1, whole = Math.max(16, Math.floor((4 * BUDGET) / each));
  const most = S.playing ? Math.min(whole, Math.max(64, Math.floor(BUDGET / (17 * each)))) : whole; // while it trains, a frame is short
  if (D.train <= most) return null;
  if (!S.someRows || S.someRows.length !== most) S.someRows = Array.from({ length: most }, (_, i) => Math.floor((i * D.train) / most));
  return S.someRows;
}
function wishes() { // for the chosen weight: the loss and the gradient of each of these examples
  if (!M.wish || M.wish.k !== S.weight) {
    M.wish = M.make([T.results[0], gradientPlace(S.weight)], { block: 64 });
    M.wish.k = S.weight;
    M.wish.version = -1;
  }
  const rows = whatIfRows(), n = rows ? rows.length : D.train;
  if (M.wish.version !== S.version || M.wish.found.rows !== rows) {
    if (!M.wish.table_ || M.wish.table_.length !== 2 * n) M.wish.table_ = new Float64Array(2 * n);
    M.wish.table(X, S.theta, rows, n, M.wish.table_);
    M.wish.version = S.version;
    M.wish.found = { n, rows, losses: M.wish.table_.subarray(0, n), gradients: M.wish.table_.subarray(n) };
  }
  return M.wish.found;
}
const mean = (list) => list.reduce((a, b) => a + b, 0) / list.length;
function whatIfStart(k) {
  S.weight = k;
  const found = wishes();
  return { L: mean(found.losses), g: mean(found.gradients) };
}

let whatIf;
function whatIfPanel() {
  const canvas = el("canvas", { className: "whatif", id: "whatif", role: "img", "aria-label": "the loss over this one weight, and its tangent" });
  const value = spin({ name: "the weight", get: () => S.theta[S.weight], set: (x) => setParameter(S.weight, x), className: "big" });
  const text = el("div", { className: "verdict", id: "verdict" });
  const keep = el("button", { type: "button", id: "keep", text: "keep", onclick: () => { dropGhost(true); redraw(); } });
  const back = el("button", { type: "button", id: "restore", text: "bring the old one back", onclick: () => { dropGhost(false); redraw(); } });
  const name = el("b", {}), box = panel("whatif-panel", "What if");
  box.classList.add("hero");
  box.querySelector("h2").append(name, el("span", { text: "=" }), value);
  box.append(canvas, el("p", { className: "key" }, el("span", { className: "ink", text: D.kind === "value" ? `━ ${D.losses[0]}` : "━ the true loss" }), el("span", { className: "slope", text: "╌ what the gradient predicts" })), text, el("p", { className: "controls" }, keep, back));
  let drawn = null, curve = null;
  whatIf = { curve: () => curve };
  const drag = (event) => {
    if (!drawn) return;
    const b = canvas.getBoundingClientRect();
    setParameter(S.weight, drawn.from + ((event.clientX - b.left - drawn.left) / (b.width - drawn.left - 8)) * (drawn.to - drawn.from));
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    drag(event);
    canvas.onpointermove = drag;
    canvas.onpointerup = () => { canvas.onpointermove = null; };
  });
  parts.push(() => {
    const pause = S.playing;
    if (!turn(6, 3)) return;
    const k = S.weight, ghost = S.ghost && S.ghost.k === k ? S.ghost : null;
    const start = ghost ?? { k, old: S.theta[k], ...whatIfStart(k) };
    const now = ghost ? mean(wishes().losses) : start.L, change = S.theta[k] - start.old;
    name.textContent = D.names[k];
    value.setAttribute("aria-label", D.names[k]);
    value.show();
    keep.disabled = back.disabled = !ghost;
    curve = lossCurve(k, start, pause ? 17 : 49, curve);
    paint(canvas, (c, w, h) => { drawn = drawCurve(c, w, h, curve, start, S.theta[k], now, ghost); });
    const predicted = start.g * change, true_ = now - start.L, number = (x, className, digits = 3) => el("b", { className: "num " + className, text: fmt(x, digits) });
    const what = D.kind === "value" ? D.losses[0] : whatIfRows() ? `the loss of ${whatIfRows().length} of the ${D.train} training examples` : D.train === 1 ? "the loss of the one training example" : `the loss of all ${D.train} training examples`;
    if (!Number.isFinite(start.L) && !ghost) text.replaceChildren(el("p", {}, `Here ${what} is ${fmt(start.L)}, and the curve has no slope: type another number.`));
    else if (!ghost) text.replaceChildren(el("p", {}, `The gradient${D.kind === "value" ? "" : whatIfRows() ? " (mean of those examples)" : D.train === 1 ? "" : " (mean of all training examples)"}, `, number(start.g, "slope", 4), `, is the slope of the curve at the dot: it says how ${what} changes. `, el("strong", { text: "Drag the dot." })),
      el("p", { className: "soft", text: Math.abs(start.g) < 1e-6 ? "Here the curve is flat: a small change changes nothing." : start.g > 0 ? "Downhill is to the left: gradient descent makes this number smaller." : "Downhill is to the right: gradient descent makes this number larger." }));
    else {
      const [[g, d], by] = equation([start.g, change], (a, b) => a * b, predicted, 3), [[after, before], less] = equation([now, start.L], (a, b) => a - b, true_, 3);
      text.replaceChildren(el("table", {}, el("tbody", {},
      el("tr", {}, el("th", { scope: "row", text: "predicted" }), el("td", { className: "num" }, `gradient ${br(g)} × change ${br(d)} ${by} `, number(predicted, "slope"))),
      el("tr", {}, el("th", { scope: "row", text: "true" }), el("td", { className: "num" }, `${after} − ${br(before)} ${less} `, number(true_, ""))),
      el("tr", {}, el("th", { scope: "row", text: "difference" }), el("td", { className: "num" }, number(true_ - predicted, "odd"), Math.abs(true_ - predicted) < 0.05 * Math.abs(true_) ? "  close: the step is small" : "  the curve bends away from its tangent")))));
    }
  });
  return box;
}

function lossCurve(k, start, count, before) {
  const span = Math.max(0.9, Math.abs(start.old) * 0.8), key = `${k} ${start.old} ${S.loss} ${S.ghost ? "" : S.version} ${count}`;
  if (before && before.key === key) return before;
  const rows = whatIfRows(), n = rows ? rows.length : D.train, fewer = M.loss.after(k).each.codes.length * n * count > 12 * BUDGET ? 17 : count;
  const w = Array.from({ length: fewer }, (_, i) => start.old + span * ((2 * i) / (fewer - 1) - 1));
  return { key, w, L: M.loss.meansOver(k, w, X, S.theta, rows, n) };
}

function drawCurve(c, w, h, curve, start, now, loss, ghost) {
  const right = w - 8, from = Math.min(curve.w[0], now), to = Math.max(curve.w[curve.w.length - 1], now), finite = curve.L.filter(Number.isFinite);
  let low = Math.min(...finite, loss), high = Math.max(...finite, loss);
  const room = (high - low) * 0.12 + 1e-3 * (Math.abs(high) || 1) * Number(high - low < 1e-6 * Math.abs(high) || high === low);
  low -= room; high += room;
  const ticks = linearTicks(low, high), left = roomFor(c, ticks.map((t) => tickText(t, ticks)));
  const x = (v) => left + ((v - from) / (to - from)) * (right - left), y = (v) => 6 + ((high - v) / (high - low)) * (h - 30);
  c.fillStyle = css("soft"); c.strokeStyle = css("line"); c.lineWidth = 1;
  c.textAlign = "right";
  const below = linearTicks(from, to);
  for (const t of ticks) { c.beginPath(); c.moveTo(left, y(t)); c.lineTo(right, y(t)); c.stroke(); c.fillText(tickText(t, ticks), left - 6, y(t) + 4); }
  c.textAlign = "center";
  for (const t of below) c.fillText(tickText(t, below), Math.max(left + 8, Math.min(right - 12, x(t))), h - 6);
  c.textAlign = "left";
  c.save();
  c.beginPath(); c.rect(left, 0, right - left, h - 20); c.clip();
  c.strokeStyle = css("ink"); c.lineWidth = 3;
  c.beginPath();
  curve.w.forEach((v, i) => Number.isFinite(curve.L[i]) && c.lineTo(x(v), y(curve.L[i])));
  c.stroke();
  c.strokeStyle = css("receiver"); c.lineWidth = 2.5; c.setLineDash([8, 5]);
  c.beginPath(); c.moveTo(x(from), y(start.L + start.g * (from - start.old))); c.lineTo(x(to), y(start.L + start.g * (to - start.old))); c.stroke();
  c.setLineDash([]);
  if (ghost) {
    const predicted = start.L + start.g * (now - start.old);
    c.strokeStyle = css("odd"); c.lineWidth = 3;
    c.beginPath(); c.moveTo(x(now), y(predicted)); c.lineTo(x(now), y(loss)); c.stroke();
    c.strokeStyle = css("receiver"); c.fillStyle = css("paper"); c.lineWidth = 2.5;
    c.beginPath(); c.arc(x(start.old), y(start.L), 6, 0, 7); c.fill(); c.stroke();
    c.beginPath(); c.arc(x(now), y(predicted), 4, 0, 7); c.fill(); c.stroke();
  }
  c.fillStyle = css("ink"); c.strokeStyle = css("paper"); c.lineWidth = 2;
  c.beginPath(); c.arc(x(now), y(loss), 8, 0, 7); c.fill(); c.stroke();
  c.restore();
  return { from, to, left };
}

// --- why it changes, and what each example asks

const minus = (text) => text.replace(/-(?=[\d(])|-(?=inf)/g, "−");
function explained(e, part) { // a part as a name, as a formula, with its numbers, and as a number
  const [name, formula, x] = part, numbers = withNumbers(e, part);
  const of = name === "gradient" && S.rows ? el("span", { className: "soft", text: ` (mean of the last mini-batch, ${S.rows.length} example${S.rows.length === 1 ? "" : "s"}, before the step)` }) : null;
  const how = el("td", {}, formula ? `= ${minus(formula)}` : "", of, numbers ? el("span", { className: "soft", text: ` = ${minus(numbers)}` }) : "");
  return el("tr", {}, el("th", { scope: "row", text: name }), how, el("td", {}, "= ", el("b", { className: name === "step" || name === "gradient" ? tone(x) : "", text: minus(formatted(x, ".6g")) })));
}

function whyPanel() {
  const box = panel("why", "Why it changes as it does"), text = el("div", { className: "why" }), bars = el("canvas", { className: "wishes", id: "wishes", role: "img", "aria-label": "what each example asks of this weight" });
  const said = el("p", { className: "note num", id: "wishtext" });
  if (wants("optimiser")) box.append(text);
  if (wants("wishes")) box.append(el("h3", { text: "What each example asks of it" }), bars, said);
  bars.addEventListener("pointerdown", (event) => {
    const b = bars.getBoundingClientRect(), i = bars.sorted && bars.sorted[Math.floor(((event.clientX - b.left) / b.width) * bars.sorted.length)];
    if (i) chooseExample(i[1]);
  });
  parts.push(() => {
    if (!turn(6, 5)) return;
    const k = S.weight, e = S.shot ? null : S.optimiser.explain(k, D.names[k]);
    box.querySelector("h2 span").textContent = `Why ${D.names[k]} changes as it does`;
    if (!e) text.replaceChildren(el("p", { className: "soft", text: S.shot ? "This is a moment of the replay: press “one step” and read here what the optimiser does with its gradient." : "Nothing has moved yet: press “one step” and read here what the optimiser did with the gradient." }));
    else text.replaceChildren(el("p", { className: "num", text: minus(e.title) }), el("table", { className: "parts num" }, el("tbody", {}, ...e.parts.map((part) => explained(e, part)))),
      e.aside ? el("p", { className: "num soft", text: minus(e.aside) }) : "", el("p", { className: "sentence", text: minus(e.sentence) }));
    if (!wants("wishes")) return;
    const found = wishes(), inBatch = new Set(S.rows ?? []), g = mean(found.gradients);
    const sorted = Array.from(found.gradients, (x, i) => [-x, found.rows ? found.rows[i] : i]).sort((a, b) => a[0] - b[0]);
    bars.sorted = sorted;
    paint(bars, (c, w, h) => {
      const most = Math.max(1e-12, ...sorted.map(([x]) => Math.abs(x)).filter(Number.isFinite)), middle = h / 2, wide = w / sorted.length, high = (x) => Math.sign(x) * Math.sqrt(Math.abs(x) / most) * (middle - 3);
      sorted.forEach(([x, i], n) => {
        c.globalAlpha = !inBatch.size || inBatch.has(i) ? 1 : 0.35;
        c.fillStyle = css(x < 0 ? "neg-fill" : "pos-fill");
        c.fillRect(n * wide, x > 0 ? middle - high(x) : middle, Math.max(1, wide - 0.6), Math.abs(high(x)));
        if (i === S.example) { c.globalAlpha = 1; c.strokeStyle = css("receiver"); c.lineWidth = 2; c.strokeRect(n * wide - 1, 1, Math.max(4, wide + 2), h - 2); }
      });
      c.globalAlpha = 1;
      c.fillStyle = css("mark");
      c.fillRect(0, middle - 0.5, w, 1);
      c.strokeStyle = css("ink"); c.lineWidth = 2; c.setLineDash([5, 4]);
      c.beginPath(); c.moveTo(0, middle - high(-g)); c.lineTo(w, middle - high(-g)); c.stroke(); c.setLineDash([]);
    });
    const up = sorted.filter(([x]) => x > 0).length, down = sorted.filter(([x]) => x < 0).length;
    const none = sorted.length - up - down;
    if (!Number.isFinite(g)) said.textContent = `The mean of the gradients is ${fmt(g)}: there is nothing that they ask for.`;
    else said.textContent = `${up} ask${up === 1 ? "s" : ""} for more, ${down} for less${none ? `, ${none} for nothing` : ""}; the mean (dashed) asks for ${fmt(-g)}, which is minus the gradient${inBatch.size ? "; solid: the last mini-batch" : ""}`;
  });
  return box;
}
