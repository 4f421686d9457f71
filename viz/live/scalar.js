// Zoom 3: the scalar steps of one neuron, or of the loss, in three acts; each number can be guessed first.

let scalarPanel = null;
function stepsPanel() {
  const box = panel("steps", `${D.neurons.length ? "3  " : ""}The chain rule, one scalar at a time`);
  const state = { target: D.neurons.length ? "neuron" : "loss", act: "forward", now: 0, list: [], predict: false, hidden: false, asked: 0, right: 0, open: null };
  const acts = ["forward", "backward", "update"], tabs = {};
  const tabBar = el("div", { className: "tabs", role: "tablist" }, ...acts.map((act) => (tabs[act] = el("button", { type: "button", role: "tab", onclick: () => go(act, 0), text: act }))));
  const which = el("select", { "aria-label": "which part of the computation", onchange: () => { state.target = which.value; build(); } });
  const slider = el("input", { type: "range", min: "0", value: "0", "aria-label": "step", id: "scalarslider", oninput: () => { state.now = Number(slider.value); state.hidden = state.predict; redraw(); } });
  const counter = el("output", { className: "num" });
  const predict = el("input", { type: "checkbox", id: "predict", onchange: () => { state.predict = predict.checked; state.hidden = state.predict; redraw(); } });
  const line = el("p", { className: "update" }), figures = el("p", { className: "numbers num" }), why = el("p", { className: "reason" });
  const guess = el("form", { className: "guess", hidden: true, onsubmit: (e) => { e.preventDefault(); guessed(); } });
  const answerBox = el("input", { type: "text", inputmode: "decimal", "aria-label": "your guess", autocomplete: "off", size: 8 });
  guess.append(el("label", {}, "your guess ", answerBox), el("button", { type: "submit", text: "guess" }), el("button", { type: "button", text: "show", onclick: () => { ask(); state.hidden = false; state.told = `Shown${state.guess?.of === state.open ? `: ${gapOf(state.guess.typed)}` : ""}. ${scored()}`; redraw(); } }));
  const score = el("p", { className: "score num", role: "status" });
  const list = el("div", { className: "scroll values", tabindex: "0", role: "region", "aria-label": "the scalars of this part" });
  const move = (by) => {
    const next = state.now + by;
    if (next >= state.list.length && acts.indexOf(state.act) < 2) return go(acts[acts.indexOf(state.act) + 1], 0);
    if (next < 0 && acts.indexOf(state.act) > 0) return go(acts[acts.indexOf(state.act) - 1], -1);
    state.now = Math.max(0, Math.min(state.list.length - 1, next));
    state.visit = (state.visit ?? 0) + 1;
    state.hidden = state.predict;
    state.told = "";
    redraw();
  };
  const controls = el("div", { className: "controls" }, iconButton("first", "first step", () => go(state.act, 0)), iconButton("back", "one step back", () => move(-1)), iconButton("next", "one step on", () => move(1), { id: "scalarnext" }), iconButton("last", "last step", () => go(state.act, -1)), slider, counter);
  if (D.neurons.length) controls.append(el("button", { type: "button", text: "next neuron", onclick: () => chooseNeuron((S.neuron + 1) % D.neurons.length) }));
  if (wants("quiz")) controls.append(el("label", { className: "check" }, predict, " predict first"));
  const crumbs = el("nav", { className: "crumbs", "aria-label": "where you are" });
  const crumb = (text, id) => el("button", { type: "button", className: "link", text, onclick: () => { openTab(id); $(id)?.scrollIntoView({ block: "start" }); $(id)?.querySelector("[tabindex='0'], .spin, button")?.focus({ preventScroll: true }); } });
  box.querySelector("h2").append(which, crumbs);
  box.append(tabBar, el("div", { className: "stage" }, el("div", { className: "said" }, line, figures, guess, score, why), list), controls);
  box.addEventListener("keydown", (e) => {
    if (e.target.tagName === "INPUT" || e.target.tagName === "SELECT" || e.altKey || e.ctrlKey) return;
    if (e.key === "ArrowRight") { e.preventDefault(); move(1); }
    if (e.key === "ArrowLeft") { e.preventDefault(); move(-1); }
    if (e.key === "Escape") { openTab("network"); $("network")?.scrollIntoView({ block: "start" }); $("network")?.querySelector("[tabindex='0']")?.focus(); }
  });

  function go(act, now) {
    state.act = act;
    fill();
    state.now = now < 0 ? state.list.length - 1 : now;
    state.visit = (state.visit ?? 0) + 1;
    state.hidden = state.predict;
    state.told = "";
    redraw();
  }
  function build() {
    const options = [...(D.neurons.length ? [["neuron", `neuron ${D.neurons[S.neuron].name}`]] : []), ["loss", D.kind === "value" ? D.losses[0] : "the loss"]];
    which.replaceChildren(...options.map(([v, text]) => el("option", { value: v, text, selected: v === state.target })));
    which.hidden = options.length < 2;
    local.clear();
    const end = state.target === "neuron" ? nodePlace(D.neurons[S.neuron].output) : T.results[0];
    for (const n of D.neurons) local.set(nodePlace(n.output), n.name);
    state.places = within(end, state.target === "neuron" ? frontierOf(D.neurons[S.neuron]) : frontierOfLoss());
    state.end = end;
    if (D.kind === "value") D.values.forEach((name, i) => local.set(nodePlace(i), name));
    if (state.target === "neuron") {
      const n = D.neurons[S.neuron];
      if (n.sum !== n.output) local.set(nodePlace(n.sum), "z");
    } else if (D.kind === "model") local.set(end, "loss");
    shortNames(state.places, local);
    state.built = S.loss;
    crumbs.replaceChildren(...(D.neurons.length ? [crumb("network", "network"), " › ", crumb(D.neurons[S.neuron].name, "neuron"), " › scalar steps"] : []));
    go("forward", 0);
  }
  const rowAt = (place) => { // of a place, with the activation that was chosen
    const neuron = D.neurons.find((n) => nodePlace(n.output) === place && n.sum !== n.output), name = neuron && S.acts[neuron.column];
    if (neuron && name && D.activations[name] && name !== neuron.activation) return [name, null, D.activations[name][2]];
    return T.rows[T.operations[place - leafCount()]];
  };
  const symbol = (row, parts, whole) => {
    if (row[2].all) return row[2].symbol.replace("{}", parts.length > 6 && !whole ? [...parts.slice(0, 5), "…", parts[parts.length - 1]].join(", ") : parts.join(", "));
    let i = 0;
    return row[2].symbol.replace(/\{\}/g, () => parts[i++]);
  };
  function fill() {
    const inside = new Set(state.places);
    if (state.act === "forward") state.list = state.places.map((place) => ({ kind: "forward", place }));
    else if (state.act === "backward") {
      const own = T.steps.filter((s) => inside.has(s.giver)), from = state.target === "neuron" ? stepsTo(state.end) : [];
      state.list = [...(state.end === T.results[0] ? [{ kind: "seed" }] : from.map((step) => ({ kind: "backward", step, above: true }))), ...own.map((step) => ({ kind: "backward", step }))];
    } else {
      const leaves = new Set();
      for (const place of state.places) for (const a of argumentsAt(place)) if (a >= T.inputs && a < leafCount()) leaves.add(a - T.inputs);
      state.list = [...leaves].map((k) => ({ kind: "update", k }));
    }
    if (!state.list.length) state.list = [{ kind: "none" }];
    slider.max = String(state.list.length - 1);
  }
  const piece = (className, text) => el("span", { className, text });
  // On a sheet of paper, what was asked before is not printed: sheet.values and sheet.grads say in which line it was.
  function tellStep(one, sheet = null) {
    const whole = sheet !== null || state.hidden, asked = (where, place, text) => (sheet && sheet[where].has(place) ? `line ${sheet[where].get(place)}` : text), inner = (text) => (text.startsWith("line ") ? `(${text})` : br(text));
    const numbersIn = (row, texts) => {
      if (row[0] === "dot" && whole) return texts.slice(0, texts.length / 2).map((w, i) => `${inner(w)} × ${inner(texts[i + texts.length / 2])}`).join(" + ");
      return symbol(row, row[2].symbol.includes("(") ? texts : texts.map(inner), whole);
    };
    if (one.kind === "none") return { line: ["nothing here"], numbers: [], result: 0, why: "No step of this kind." };
    if (one.kind === "seed") return { line: [piece("strong", nameOf(state.end)), ".grad = "], numbers: [], result: 1, why: `${nameOf(state.end)} changes exactly as fast as itself, so backpropagation begins with 1.`, receiver: state.end };
    if (one.kind === "forward") {
      const row = rowAt(one.place), args = one.place === state.end && row !== T.rows[T.operations[one.place - leafCount()]] ? [nodePlace(D.neurons[S.neuron].sum)] : argumentsAt(one.place);
      const tree = row[1] ?? D.activations[row[0]][0], [texts, equals] = equation(args.map(at), (...given) => evaluate(tree, given), at(one.place));
      return { line: [piece("strong", nameOf(one.place)), " = ", symbol(row, args.map(nameOf))], numbers: ["= ", numbersIn(row, texts.map((text, i) => asked("values", args[i], text))), ` ${equals} `], result: at(one.place),
        why: args.length === 2 && row[0] === "multiply" ? "A value is computed; its local derivatives are the two factors, crosswise." : `${row[0]}: ${minus(row[2].what)}`, receiver: one.place, givers: args };
    }
    if (one.kind === "update") return tellUpdate(one.k);
    const s = one.step, row = rowAt(s.giver), out = nameOf(s.giver), into = nameOf(s.receiver), args = argumentsAt(s.giver), same = args.filter((a) => a === s.receiver).length;
    const uses = stepsTo(s.receiver), turn = uses.indexOf(s), formula = row[2].slopes[s.argument] ? write(row[2].slopes[s.argument], out, args.map(nameOf)) : "";
    const reason = row[2].why[row[2].all ? 0 : s.argument] ?? "", before = at(s.before);
    const [texts, equals] = equation([before, at(s.local), at(s.upstream)], (a, b, c) => a + b * c, at(s.after));
    const which = same > 1 ? ` (its ${["1st", "2nd", "3rd"][args.slice(0, s.argument + 1).filter((a) => a === s.receiver).length - 1] ?? "next"} use in ${out})` : "";
    const slope = row[2].slopes[s.argument] ?? "", hides = sheet && formula && (slope.includes("\ue00f") ? [s.giver, ...args] : args.filter((_, i) => slope.includes(String.fromCharCode(0xe000 + i)))).some((place) => sheet.values.has(place));
    return {
      line: [piece("strong", into), ".grad += ", piece("slope", "local derivative"), " × ", piece("up", `${out}.grad`)],
      numbers: [`${asked("grads", s.receiver, texts[0]).replace(/^line.*/, "($&)")} + `, piece("slope", hides ? (/^\w+\([^()]*\)$/.test(formula) ? formula : `(${formula})`) : br(texts[1])), " × ", piece("up", inner(asked("grads", s.giver, texts[2]))), ` ${equals} `],
      result: at(s.after),
      why: `${out} = ${symbol(row, args.map(nameOf))}. The local derivative through ${into}${which}${formula ? ` is ${formula}` : ""} = ${fmt(at(s.local))}${reason ? `: ${reason}` : ""}.` + (one.above ? ` This comes from ${homeOf(s.giver)?.owner ?? "what"}${homeOf(s.giver) ? ", which" : ""} uses ${into}.` : "") +
        (uses.length > 1 ? ` ${into} is used ${uses.length} times; this is use ${turn + 1}, and the contributions add up: that is why it is +=.` : ""),
      receiver: s.receiver, giver: s.giver,
    };
  }
  function updated(w, rate, g) {
    const [texts, equals] = equation([w, rate, g], (a, b, c) => a - b * c, w - rate * g);
    return [`${texts[0]} − ${texts[1]} × `, piece("up", br(texts[2])), ` ${equals} `];
  }
  function tellUpdate(k) {
    const rate = S.optimiser.rate(), own = at(gradientPlace(k)), e = D.kind === "value" ? null : S.optimiser.explain(k, D.names[k]);
    if (D.kind === "value") return { line: [piece("strong", D.names[k]), " −= rate × ", piece("up", `${D.names[k]}.grad`)], numbers: updated(S.theta[k], rate, own), result: S.theta[k] - rate * own, why: `One step downhill: ${D.losses[0]} becomes smaller if ${D.names[k]} moves against its gradient.`, receiver: T.inputs + k };
    if (!e) return { line: [piece("strong", D.names[k]), " −= rate × ", piece("up", "mean gradient")], numbers: updated(S.theta[k], rate, gradient[1 + k]), result: S.theta[k] - rate * gradient[1 + k], why: "The update takes the mean of the gradients of a mini-batch. Train, and the optimiser's own step stands here.", receiver: T.inputs + k };
    const how = e.parts.filter(([name]) => name === "step" || name === "decay").map((part) => withNumbers(e, part)).join(" + ");
    const [[was, by], equals] = equation([e.before, Math.abs(e.step)], (a, b) => a + Math.sign(e.step) * b, e.before + e.step);
    return { line: [piece("strong", D.names[k]), `: the last step of ${S.optimiser.name}`], numbers: [`step = ${minus(how)} = ${fmt(e.step)};  ${was} ${e.step < 0 ? "−" : "+"} ${by} ${equals} `], result: e.before + e.step, why: `This example's own gradient is ${fmt(own)}; the optimiser was given ${fmt(e.gradient)}, from the mean of the mini-batch. ${minus(e.sentence)}`, receiver: T.inputs + k };
  }
  function guessed() {
    const typed = Number(answerBox.value.replace("−", "-").replace(",", "."));
    if (!answerBox.value.trim() || !Number.isFinite(typed)) { state.told = "type a number"; redraw(); return; }
    const result = tellStep(state.list[state.now]).result, share = Math.abs(typed - result) / Math.max(Math.abs(result), 1e-3);
    ask();
    if (share < 0.05) {
      state.right += 1;
      state.hidden = false;
      state.told = `Right: ${gapOf(typed)}. ${scored()}`;
    } else state.told = `${result && Math.sign(typed) === -Math.sign(result) ? "The sign is the other one" : `${share < 0.3 ? "Near" : "Not yet"}: your ${fmt(typed)} is too ${typed < result ? "small" : "large"}`}. Guess again, or press “show”.`;
    state.guess = { of: state.open, typed };
    answerBox.value = "";
    redraw();
  }
  function gapOf(typed) {
    const result = tellStep(state.list[state.now]).result;
    return `your ${fmt(typed)}, true ${fmt(result)}, off by ${fmt(Math.abs(typed - result), 2)}`;
  }
  function ask() { // a question counts once, however often it is guessed
    const question = `${state.act} ${state.now} ${state.visit}`;
    if (state.open !== question) state.asked += 1;
    state.open = question;
  }
  const scored = () => `Score: ${state.right} of ${state.asked}.`;
  let listed = null, rows = new Map();
  function values(step) {
    const shown = [...new Set([...state.places.flatMap(argumentsAt).filter((a) => a >= 0), ...state.places])].sort((a, b) => a - b);
    if (listed !== state.places) {
      listed = state.places;
      rows = new Map();
      const table = el("table", { className: "terms" }, el("thead", {}, el("tr", {}, ...["scalar", "data", "grad so far"].map((text) => el("th", { scope: "col", text })))));
      const body = el("tbody");
      for (const place of shown) {
        const row = el("tr", {}, el("th", { scope: "row", text: nameOf(place), title: nameOf(place) }), el("td", { className: "num" }), el("td", { className: "num" }));
        rows.set(place, row);
        body.append(row);
      }
      table.append(body);
      list.replaceChildren(table);
    }
    const known = new Map(), acts_ = acts.indexOf(state.act);
    if (acts_ >= 1) {
      const upTo = acts_ === 1 ? state.now + (state.hidden ? 0 : 1) : Infinity;
      if (acts_ === 2) for (const s of T.steps) known.set(s.receiver, at(s.after));
      else state.list.slice(0, upTo).forEach((one) => { if (one.kind === "seed") known.set(state.end, 1); if (one.step) known.set(one.step.receiver, at(one.step.after)); });
    }
    const computed = acts_ === 0 ? new Set(state.list.slice(0, state.now + (state.hidden ? 0 : 1)).map((one) => one.place)) : null, inside = new Set(state.places);
    for (const [place, row] of rows) {
      row.children[1].textContent = computed && inside.has(place) && !computed.has(place) ? "?" : fmt(at(place));
      row.children[2].textContent = acts_ === 0 ? "" : known.has(place) ? fmt(known.get(place)) : "0";
      row.classList.toggle("receives", place === step.receiver);
      row.classList.toggle("gives", place === step.giver || (step.givers ?? []).includes(place));
    }
    const current = rows.get(step.receiver);
    if (current && !S.playing) list.scrollTop = Math.max(0, current.offsetTop - list.clientHeight / 2);
  }
  parts.push(() => {
    if (!turn(12, 7)) return;
    if (state.built === undefined) build();
    for (const act of acts) { tabs[act].setAttribute("aria-selected", String(act === state.act)); tabs[act].tabIndex = act === state.act ? 0 : -1; }
    state.now = Math.min(state.now, state.list.length - 1);
    const told = tellStep(state.list[state.now]);
    line.replaceChildren(...told.line);
    figures.replaceChildren(...told.numbers, el("b", { className: state.hidden ? "soft" : tone(told.result), text: state.hidden ? "?" : fmt(told.result) }));
    why.textContent = state.hidden ? "What will the number be? A guess within 5 % is right." : told.why;
    guess.hidden = !state.hidden;
    score.textContent = state.told ?? "";
    slider.value = String(state.now);
    slider.setAttribute("aria-valuetext", `step ${state.now + 1} of ${state.list.length}`);
    counter.textContent = `${state.now + 1} / ${state.list.length}`;
    values(told);
    markValue(told);
  });
  scalarPanel = { rebuild: build, state, go, tell: (i, sheet) => tellStep(state.list[i], sheet) };
  return box;
}
function openTab(id) { // on a phone
  const tab = [...document.querySelectorAll(".jump button")].find((b) => b.dataset.shows.split(" ").includes(id));
  if (tab && tab.offsetParent) tab.click();
}
function goSteps() {
  openTab("steps");
  $("steps")?.scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth", block: "start" });
  $("scalarnext")?.focus({ preventScroll: true });
}
