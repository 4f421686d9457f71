// The beginning: unpack the data, put the parts together, and say something before anything is touched.

function begin(data) {
  D = data;
  D.tapes.forEach(readTape);
  X = Float64Array.from(D.rows.length ? D.rows : new Array(D.inputs).fill(0));
  S.theta = Float64Array.from(D.theta, Number);
  S.fixed = D.fixed.length ? Uint8Array.from(D.theta, (_, k) => D.fixed.includes(k)) : null;
  S.batch = D.batch;
  S.filmEvery = 1;
  const known = D.optimiser in RULES;
  T = D.tapes[0];
  const settings = Object.fromEntries(Object.entries(D.settings).filter(([key]) => key in { ...COMMON, ...RULES[known ? D.optimiser : "Adam"].default }));
  S.optimiser = new Optimiser(known ? D.optimiser : "Adam", { ...settings, rate: D.rate, schedule: D.schedule }, T.parameters);
  random = seeded(D.seed);
  machines();
  groupParameters();
  if (D.history) S.film = D.history.epochs.map((step, i) => ({ step, theta: Float64Array.from(D.history.thetas[i]) }));
  if (D.history) recorded();
  else if (D.kind === "model") { firstGradient(); record(); }
  const last = D.neurons.length - 1;
  if (last >= 0) { // a neuron of the last hidden layer is the most instructive one
    const hidden = D.neurons.findIndex((n) => n.column === D.neurons[last].column - 1);
    S.neuron = hidden >= 0 ? hidden : last;
    S.term = 0;
    S.weight = D.neurons[S.neuron].terms[0][0];
  }
  recall();
  build();
  if (!known && D.kind === "model") say(`This page has no rule of ${D.optimiser}: it trains with Adam.`);
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (D.kind !== "model" || D.history || location.hash || still) { redraw(); if (!location.hash) requestAnimationFrame(captions); return; }
  drawAll();
  S.until = firstSteps();
  opening();
  play();
}

// Of a new page: so many steps, about a second's; they follow from the file alone, so that all who open it see the same.
function firstSteps() { return Math.max(5, Math.min(100, Math.round(2e8 / (M.gradient.each.codes.length * S.batch)))); }
function opening() {
  const note = $("opening");
  note.hidden = !S.until && !S.step; // its first step may have stopped it
  if (S.until) note.replaceChildren(el("span", { text: `The page trains itself for ${S.until} steps, so that there is something to see …` }));
  else note.replaceChildren(el("span", { text: `The page trained itself for ${S.step} steps, so that there is something to see.` }),
    el("button", { type: "button", className: "small", text: "go back to step 0", onclick: reset }), el("button", { type: "button", className: "small", "aria-label": "close this note", text: "×", onclick: () => { note.hidden = true; } }));
}

// The curves of a recorded training: the losses and the sizes of the gradient at each snapshot.
function recorded() {
  const now = S.theta.slice();
  for (const { step, theta } of S.film) {
    S.theta.set(theta);
    S.version += 1;
    firstGradient();
    const found = all();
    S.history.push({ step, train: found.train, test: found.test, sizes: sizes() });
  }
  S.theta.set(now);
  S.version += 1;
  firstGradient();
}

function recordedAgain() { if (D.history && !S.step) { S.history = []; recorded(); } } // with other data, or another network

const IN_NOTEBOOK = 0.78; // of 680 pixels: nbconvert's column on A4 has 545
const TWO_SHEETS = 1950; // the panels that they hold: Chromium prints more over the next cell; the page alone prints whole

function build() {
  const root = $("live"), model = D.kind === "model";
  messageBox = el("p", { className: "message", role: "alert", hidden: true });
  const told = el("p", { id: "told", role: "status", "aria-live": "polite", className: "unseen" });
  if (model) root.append(header());
  root.append(messageBox, told, el("p", { className: "opening", id: "opening", role: "status", hidden: true }));
  const main = el("main", { className: model ? (D.neurons.length ? "model" : "model bare") : "one" });
  if (model) {
    if (D.neurons.length) main.append(networkPanel());
    const data = fieldPanel();
    if (wants("data")) { const tools = dataTools(); if (tools) data.append(tools); }
    main.append(data, curvesPanel());
  } else main.append(valuePanel());
  main.append(neuronPanel());
  if (wants("what if")) main.append(whatIfPanel());
  if (model && (wants("optimiser") || wants("wishes"))) main.append(whyPanel());
  if (wants("scalar")) main.append(stepsPanel());
  if (model) root.append(jump(main));
  root.append(main, foot());
  document.addEventListener("visibilitychange", () => { if (document.hidden && S.playing) stop(); });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") closeHelp(); if (event.key === "Escape" && (S.ghost || S.oldInputs)) { dropGhost(false); redraw(); } });
  const changed = () => { colours = {}; ramp = null; if (grid) grid.version = -1; inputNodes.forEach((n) => { n.done = null; }); redraw(); };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  addEventListener("resize", () => redraw());
  const paper = (on) => { // on paper the page is one column of a sheet's width, for which everything is laid out and drawn
    document.body.classList.toggle("paper", on);
    sizesOf.clear();
    if (net) layNetwork();
    drawAll();
    fitFrame(on);
  };
  addEventListener("beforeprint", () => { if (!$("worksheet")) { S.playing && stop(); paper(true); } });
  addEventListener("afterprint", () => paper(false));
  followNotebook(changed);
}

// On a phone the panels are behind tabs.
function jump(main) {
  const tabs = [["Network", ["network", "data-panel"]], ["Neuron", ["neuron"]], ["What if", ["whatif-panel", "why"]], ["Loss", ["curves"]], ["Steps", ["steps"]]]
    .map(([name, ids]) => [name, ids.map((id) => [...main.children].find((one) => one.id === id)).filter(Boolean)]).filter(([, boxes]) => boxes.length);
  const show = (chosen) => {
    for (const box of main.children) box.classList.remove("shown");
    tabs.forEach(([, boxes], i) => { buttons[i].setAttribute("aria-selected", String(i === chosen)); if (i === chosen) boxes.forEach((box) => box.classList.add("shown")); });
    redraw();
  };
  const buttons = tabs.map(([name], i) => el("button", { type: "button", role: "tab", text: name, "data-shows": tabs[i][1].map((b) => b.id).join(" "), onclick: () => show(i) }));
  main.classList.add("tabbed");
  requestAnimationFrame(() => show(0));
  return el("nav", { className: "tabs jump", "aria-label": "parts of the page", role: "tablist" }, ...buttons);
}

// In a notebook the theme is the notebook's: JupyterLab and VS Code mark the page around the frame.
// In a printed notebook the frame is as high as the sheet's column, up to two sheets, and as narrow as an output is.
function fitFrame(on) {
  let frame;
  try { frame = window.frameElement; } catch { frame = null; } // a notebook may keep its frames apart
  if (!frame) return;
  document.body.style.zoom = on ? IN_NOTEBOOK : "";
  if (on) frame.dataset.height = frame.style.height;
  const ends = [...document.querySelectorAll("main>.panel")].map((panel) => panel.getBoundingClientRect().bottom + scrollY);
  const whole = Math.max(0, ...ends.filter((end) => end < TWO_SHEETS)) || Math.min(document.documentElement.scrollHeight, TWO_SHEETS);
  frame.style.height = on ? `${Math.ceil(whole) + 3}px` : frame.dataset.height;
}
function followNotebook(changed) {
  let outer;
  try { outer = parent !== window ? parent.document.body : null; } catch { outer = null; }
  if (!outer) return;
  const look = () => {
    const light = outer.dataset.jpThemeLight, kind = outer.dataset.vscodeThemeKind;
    const theme = light ? (light === "true" ? "light" : "dark") : kind ? (kind.includes("dark") ? "dark" : "light") : null;
    if (theme) document.documentElement.dataset.theme = theme;
    changed();
  };
  new MutationObserver(look).observe(outer, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-vscode-theme-kind"] });
  look();
}

// --- the state in the address

function remember() {
  const state = new URLSearchParams({ neuron: D.neurons[S.neuron]?.name ?? "", weight: D.names[S.weight] ?? "", example: String(S.example + 1) });
  try { history.replaceState(null, "", "#" + state); } catch { /* a frame of a notebook has no address of its own */ }
}
function recall() {
  const state = new URLSearchParams(location.hash.slice(1));
  const neuron = D.neurons.findIndex((n) => n.name === state.get("neuron")), weight = D.names.indexOf(state.get("weight")), example = Number(state.get("example"));
  if (neuron >= 0) { S.neuron = neuron; S.weight = D.neurons[neuron].terms[0][0]; }
  if (weight >= 0) { S.weight = weight; if (neuron >= 0) S.term = D.neurons[neuron].terms.findIndex(([w]) => w === weight); }
  if (Number.isInteger(example) && example >= 1 && example <= total()) S.example = example - 1;
}

// --- three captions, after the first training

function lookAtSomething() { // an example that still has something to ask, and a weight that it asks it of
  const found = all();
  const worst = Array.from({ length: D.train }, (_, i) => i).sort((a, b) => found.table[b] - found.table[a]).slice(0, 50);
  const choose = (i) => { S.example = i; S.version += 1; };
  if (!worst.some((i) => { choose(i); return D.names.some((_, k) => at(gradientPlace(k)) !== 0); })) choose(worst[0]);
  const last = D.neurons.length ? D.neurons[D.neurons.length - 1].column : 0;
  let most = 0;
  D.neurons.forEach((n, i) => n.column === Math.max(1, last - 1) && n.terms.forEach(([w], term) => {
    const size = Math.abs(at(gradientPlace(w)));
    if (size > most) { most = size; Object.assign(S, { neuron: i, term, weight: w }); }
  }));
  if (matrices.length) layNetwork();
  if (!D.neurons.length) D.names.forEach((_, k) => { const size = Math.abs(at(gradientPlace(k))); if (size > most) { most = size; S.weight = k; } });
  scalarPanel && scalarPanel.rebuild();
  redraw();
}

function captions() {
  if (document.querySelector(".caption")) return;
  if (D.kind === "model") lookAtSomething();
  const texts = [["picture-panel", "Drag the card of a leaf to the left or to the right: all the others follow."], ["network", isPlane() || isLine() ? "Each square shows what one neuron answers everywhere. Click one." : "Each square is a neuron; its tint shows its weights. Click one."],
    ["whatif-panel", D.kind === "value" ? `How ${D.losses[0]} depends on one leaf; the dashed line is its gradient. Drag the dot.` : "The true loss of one weight; the dashed line is its gradient. Drag the dot."], ["steps", "Every number by hand: walk through the chain rule, or guess it first."]];
  let n = 0;
  for (const [id, text] of texts) {
    const box = $(id);
    if (!box) continue;
    n += 1;
    const caption = el("p", { className: "caption" }, el("b", { text: String(n) }), el("span", { text }), el("button", { type: "button", "aria-label": "close this hint", text: "×", onclick: () => caption.remove() }));
    box.querySelector("h2").after(caption);
  }
}

// --- the page of one Value: the picture of its graph, kept up to date

let cards = [];
function valuePanel() {
  const box = panel("picture-panel", D.title), held = $("picture");
  held.hidden = false;
  box.append(sideways(held), held);
  held.querySelectorAll("[data-card]").forEach((card) => { cards[Number(card.dataset.card)] = card; });
  const slopes = new Map();
  held.querySelectorAll("[data-label]").forEach((label) => slopes.set(Number(label.dataset.label), label));
  D.leaves.forEach((index, k) => {
    const card = cards[index];
    if (!card) return;
    card.classList.add("draggable");
    card.setAttribute("tabindex", "0");
    card.setAttribute("role", "spinbutton");
    const by = (share) => setParameter(k, S.theta[k] + share * Math.max(Math.abs(S.theta[k]), 0.1));
    card.addEventListener("keydown", (e) => {
      const big = e.shiftKey ? 0.1 : 0.01;
      if (e.key === "ArrowUp" || e.key === "ArrowRight") by(big);
      else if (e.key === "ArrowDown" || e.key === "ArrowLeft") by(-big);
      else if (e.key === "Enter") { dropGhost(true); redraw(); }
      else return;
      e.preventDefault();
    });
    card.addEventListener("pointerdown", (e) => {
      const x0 = e.clientX, start = S.theta[k], size = Math.max(Math.abs(start), 0.25);
      S.weight = k;
      if (S.ghost && S.ghost.k !== k) dropGhost(true);
      redraw();
      card.setPointerCapture(e.pointerId);
      card.onpointermove = (m) => setParameter(k, start + ((m.clientX - x0) / 120) * size);
      card.onpointerup = () => { card.onpointermove = null; };
    });
  });
  const texts = [...held.querySelectorAll("text.faint")], ends = texts.filter((one) => /^[−+][\d.e−+]+( …)?$/.test(one.textContent)), begun = S.version;
  parts.push(() => {
    if (S.version !== begun) held.querySelectorAll(".notice, .hint").forEach((one) => one.setAttribute("visibility", "hidden")); // they are of the numbers of before
    const shades = /\b(z|odd|[np][1-8])\b/, values = D.values.map((_, i) => at(nodePlace(i))), grads = D.values.map((_, i) => adjoint(nodePlace(i)));
    const most = Math.max(1e-300, ...grads.map(Math.abs).filter(Number.isFinite));
    ends.forEach((one, i) => { one.textContent = (i ? "+" : "−") + fmt(most, 3); });
    const shadeOf = (g) => { if (!Number.isFinite(g)) return "odd"; const s = Math.floor(Math.sqrt(Math.abs(g) / most) * 8 + 0.5); return g === 0 ? "z" : (g > 0 ? "p" : "n") + Math.max(1, s); };
    cards.forEach((card, i) => {
      const [data, grad] = card.querySelectorAll(".number");
      if (data) data.textContent = inRoom(values[i], data);
      const still = D.still.includes(i);
      if (grad) grad.textContent = still ? "—" : inRoom(grads[i], grad);
      const tint = card.querySelector(".tint"), name = `${D.values[i]}, data ${fmt(values[i])}, gradient ${fmt(grads[i])}`;
      if (tint) tint.setAttribute("class", "tint " + (still ? "z" : shadeOf(grads[i])));
      card.querySelector("title").textContent = name;
      const leaf = D.leaves.indexOf(i);
      card.setAttribute("aria-label", name);
      if (leaf >= 0) { card.setAttribute("aria-valuenow", String(values[i])); card.classList.toggle("receives", leaf === S.weight); }
    });
    held.querySelectorAll("[data-edge]").forEach((edge) => {
      const step = D.edges[Number(edge.dataset.edge)];
      if (!step) return;
      const s = stepsTo(nodePlace(step[0])).find((one) => one.giver === nodePlace(step[1]) && one.argument === step[2]), local_ = s ? at(s.local) : 0, passed = s ? at(s.passed) : 0;
      edge.setAttribute("class", edge.getAttribute("class").replace(shades, shadeOf(passed)));
      edge.querySelector("title").textContent = `local derivative ${fmt(local_)}, passes ${fmt(passed)} back`;
      const label = slopes.get(Number(edge.dataset.edge));
      if (label) relabel(label, "×" + fmt(local_, 3));
    });
  });
  return box;
}
// A card was made as wide as its first numbers need: later ones have as many digits as there is room for.
const CHARACTER = 8.6; // pixels
function inRoom(x, place) {
  const from = Number(place.previousElementSibling.getAttribute("x")) + 38; // beside "data" or "grad"
  const room = (Number(place.getAttribute("x")) - from) / CHARACTER;
  return [4, 3, 2].map((digits) => fmt(x, digits)).find((text, i) => text.length <= room || i === 2);
}
function relabel(label, text) { // its paper is as wide as the text, as labels.py makes it
  const place = label.querySelector("text"), paper = label.querySelector("rect"), half = text.length * (CHARACTER / 2) + 3;
  place.textContent = text;
  paper.setAttribute("x", Number(place.getAttribute("x")) - half);
  paper.setAttribute("width", 2 * half);
}
function markValue(told) {
  if (D.kind !== "value") return;
  cards.forEach((card, i) => {
    const place = nodePlace(i);
    card.classList.toggle("gives", place === told.giver || (told.givers ?? []).includes(place));
    if (!D.leaves.includes(i) || place === told.receiver) card.classList.toggle("receives", place === told.receiver);
  });
}

unpacked("data").then((text) => begin(JSON.parse(text)));
// For tests and for those who look inside.
window.LIVE = { formatted, withNumbers, S, M, frame(steps) { for (let i = 0; i < steps; i += 1) update(); frames += 1; if (!heavy() || frames % 3 === 1) record(); drawAll(); }, Optimiser, machines, pasted, setInput, dropGhost, stop, play, worksheet, wishes: () => wishes(), update, redraw, drawAll, reset, setParameter, scalars, all, chooseNeuron, chooseExample, get D() { return D; }, get X() { return X; }, get T() { return T; }, numbersAsText, pictureAsSvg, whatIf: () => whatIf.curve(), get scalar() { return scalarPanel; }, nodePlace: (i) => nodePlace(i), adjoint: (p) => adjoint(p), get gradient() { return gradient; } };
