// Data that can be edited, the replay, and what goes out of the page: numbers, pictures, a worksheet.

function dataTools() { // for examples in the plane, or a table that was pasted
  const bar = el("div", { className: "controls tools", role: "group", "aria-label": "edit the data" });
  if (isPlane() || (isLine() && D.task === "numbers" && D.targets === 1)) {
    const tools = ["choose", "add", "move", "delete"], buttons = tools.map((tool) => el("button", { type: "button", className: "small", text: tool, "aria-pressed": String(tool === "choose"), onclick: () => {
      S.tool = tool;
      buttons.forEach((b, i) => b.setAttribute("aria-pressed", String(tools[i] === tool)));
      $("fieldnote").textContent = { choose: "click an example to look at it", add: "click where the new example is to be", move: "drag an example", delete: "click an example to take it out" }[tool];
    } }));
    bar.append(...buttons);
    S.newClass = 0;
    S.newTarget = 0;
    if (isPlane() && D.task === "numbers") bar.append(el("label", { className: "field" }, el("span", { text: "target" }), el("input", { type: "number", id: "newtarget", step: "any", value: "0", oninput: (e) => { S.newTarget = Number(e.target.value) || 0; } })));
    if (D.classes.length) bar.append(choose("class", D.classes.map((name, c) => [c, name]), 0, (v) => { S.newClass = Number(v); }));
  }
  const area = el("textarea", { rows: 5, cols: 40, "aria-label": "rows of numbers", placeholder: [...D.features, "target"].join(",") + "\n…" }), note = el("p", { className: "note", role: "status" });
  const dialog = el("dialog", { "aria-label": "paste your own data" }, el("h2", { text: "Paste your own data" }),
    el("p", { text: `One example a line: ${D.features.join(", ")}, and then ${D.classes.length ? `the class (${D.classes.join(", ")})` : "the number to predict"}; commas, semicolons or tabs${D.units ? ", in the units of your table: the page scales them as Python did" : ""}. At most 2,000 rows.` }), area, note,
    el("p", { className: "controls" }, el("button", { type: "button", className: "main", text: "take them", onclick: () => { const said = pasted(area.value); note.textContent = said; if (!said) dialog.close(); } }), el("button", { type: "button", text: "cancel", onclick: () => dialog.close() })));
  if (D.width <= 16 && D.targets <= 1) bar.append(el("button", { type: "button", className: "small", id: "paste", text: "paste a table …", onclick: () => { note.textContent = ""; dialog.showModal(); } }), dialog);
  return bar.children.length ? bar : null;
}

function rowsChanged() {
  S.box = S.yBox = null; S.someRows = null; S.oldInputs = null;
  order = []; position = 0;
  S.rows = null;
  S.example = Math.min(S.example, total() - 1);
  S.version += 1;
  freshGradient();
  recordedAgain();
  redraw();
}
function editPoint(event, nearest_, [x, y]) {
  const w = rowWidth();
  if (S.tool === "add") {
    const row = isLine() ? [x, y] : [x, y, D.task === "two" ? D.levels[S.newClass] : D.task === "classes" ? S.newClass : S.newTarget], more = new Float64Array(X.length + w);
    more.set(X.subarray(0, D.train * w));
    more.set(row, D.train * w);
    more.set(X.subarray(D.train * w), (D.train + 1) * w);
    X = more;
    D.train += 1;
    S.example = D.train - 1;
    return rowsChanged();
  }
  if (nearest_ < 0) return;
  if (S.tool === "delete") {
    if (nearest_ < D.train ? D.train < 2 : false) return;
    X = Float64Array.from([...X.subarray(0, nearest_ * w), ...X.subarray((nearest_ + 1) * w)]);
    D[nearest_ < D.train ? "train" : "test"] -= 1;
    return rowsChanged();
  }
  field.setPointerCapture(event.pointerId);
  S.example = nearest_;
  field.onpointermove = (e) => {
    const b = field.getBoundingClientRect(), [u, v] = fromField(e.clientX - b.left, e.clientY - b.top, b.width, b.height), keep = S.box;
    X[nearest_ * w] = u; X[nearest_ * w + 1] = v; // on a line, the second number of a row is its target
    S.version += 1;
    freshGradient();
    S.box = keep;
    redraw();
  };
  field.onpointerup = () => { field.onpointermove = null; rowsChanged(); };
}
function pasted(text) { // '' if all is well, else what is wrong
  const rows = text.split(/\r?\n/).map((line) => line.trim()).filter(Boolean), found = [], classes = new Map(D.classes.map((name, c) => [name, c]));
  if (rows.length > 2001) return `These are ${rows.length} rows; the most is 2,000.`;
  for (const [r, line] of rows.entries()) {
    const cells = line.split(/[\t;]/.test(line) ? /[\t;]/ : ",").map((cell) => cell.trim()), wanted = D.width + 1;
    const asked = (cell) => (cell ? Number(cell.replace(",", ".")) : NaN), numbers = cells.slice(0, D.width).map(asked); // Number("") is 0
    if (r === 0 && !numbers.some(Number.isFinite)) continue; // a line of names
    if (cells.length !== wanted) return `Line ${r + 1} has ${cells.length} entries, not ${wanted}.`;
    if (!numbers.every(Number.isFinite)) return `Line ${r + 1}: ${cells[numbers.findIndex((x) => !Number.isFinite(x))] || "an empty entry"} is not a number.`;
    let y = asked(cells[D.width]);
    if (D.task !== "numbers") {
      const c = classes.has(cells[D.width]) ? classes.get(cells[D.width]) : D.task === "two" ? D.levels.indexOf(y) : y;
      if (!Number.isInteger(c) || c < 0 || c >= D.classes.length) return `Line ${r + 1}: ${cells[D.width] || "an empty entry"} is none of the classes ${D.classes.join(", ")}.`;
      y = D.task === "two" ? D.levels[c] : c;
    } else if (!Number.isFinite(y)) return `Line ${r + 1}: ${cells[D.width] || "an empty entry"} is not a number.`;
    found.push(...[...numbers, y].map((x, i) => (x - unitOf(i)[0]) / unitOf(i)[1]));
  }
  if (found.length < 2 * (D.width + 1)) return "At least two rows are needed.";
  X = Float64Array.from(found);
  D.train = found.length / (D.width + 1);
  D.test = 0;
  S.example = 0;
  S.batch = Math.min(S.batch, D.train);
  rowsChanged();
  reset();
  return "";
}

// --- the replay

function replayBar() {
  const last = Math.max(0, S.film.length - 1);
  const slider = el("input", { type: "range", min: "0", max: String(last), value: String(last), id: "film", "aria-label": "replay: step of the training" }), shown = el("output", { className: "num" });
  let timer = null, speed = 10;
  const show = (i) => {
    const shot = S.film[Math.max(0, Math.min(S.film.length - 1, i))];
    if (!shot) return;
    S.playing && stop();
    dropGhost(true);
    if (D.history && S.step) { S.step = 0; recordedAgain(); } // the new steps are left
    S.theta.set(shot.theta);
    S.shot = shot;
    S.version += 1;
    firstGradient();
    redraw();
  };
  const still = () => { clearInterval(timer); timer = null; button.replaceChildren(icon(ICONS.play)); button.setAttribute("aria-label", "replay"); };
  const run = () => {
    if (timer) return still();
    if (Number(slider.value) >= S.film.length - 1) slider.value = "0";
    button.replaceChildren(icon(ICONS.pause));
    button.setAttribute("aria-label", "pause the replay");
    timer = setInterval(() => { slider.value = String(Number(slider.value) + 1); show(Number(slider.value)); if (Number(slider.value) >= S.film.length - 1) still(); }, 1000 / speed);
  };
  const button = iconButton("play", "replay", run);
  slider.addEventListener("input", () => { timer && still(); show(Number(slider.value)); });
  const on = el("button", { type: "button", className: "small", id: "trainon", text: "train on from here", onclick: () => { timer && still(); play(); } });
  parts.push(() => {
    slider.max = String(Math.max(0, S.film.length - 1));
    const moment = momentNow(), index = S.film.indexOf(moment ?? (D.history ? S.from : undefined));
    if (!timer) slider.value = index < 0 ? slider.max : String(index);
    shown.textContent = !D.history ? `step ${moment ? moment.step : S.step}` : moment ? `epoch ${moment.step}` : `${S.step} step${S.step === 1 ? "" : "s"}${S.from ? ` after epoch ${S.from.step}` : " on"}`;
    slider.setAttribute("aria-valuetext", shown.textContent);
    on.disabled = !S.shot;
  });
  return el("div", { className: "controls replay", role: "group", "aria-label": "replay" }, el("b", { text: "Replay" }), button, slider, shown, choose("speed", [[10, "10 a second"], [30, "30 a second"]], 10, (v) => { speed = Number(v); if (timer) { still(); run(); } }), on);
}

// --- out of the page

function numbersAsText() { return JSON.stringify({ chainrule: "parameters", step: momentNow()?.step ?? S.step, parameters: Object.fromEntries(D.names.map((name, k) => [name, S.theta[k]])) }); }
async function copyNumbers(button) {
  const text = numbersAsText();
  try { await navigator.clipboard.writeText(text); button.textContent = "copied: now cr.load_numbers(model, text)"; }
  catch { showText(text); }
  setTimeout(() => { button.textContent = "copy numbers"; }, 4000);
}
function showText(text) {
  const area = el("textarea", { rows: 6, cols: 60, readOnly: true, "aria-label": "the numbers" }), dialog = el("dialog", { "aria-label": "numbers" }, el("p", { text: "Copy this text, and call cr.load_numbers(model, text) in Python:" }), area, el("button", { type: "button", text: "close", onclick: () => dialog.remove() }));
  area.value = text;
  document.body.append(dialog);
  dialog.showModal();
  area.select();
}
function download(name, type, text) {
  const link = el("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  document.body.append(link);
  link.click();
  link.remove();
}
const escaped = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

// What the page is of, with the loss and the data that it has now.
const titleNow = () => (D.model ? `live: ${D.model}, ${D.losses[S.loss]} of ${D.train.toLocaleString("en")} example${D.train === 1 ? "" : "s"}` : D.title);
function pictureAsSvg() { // the network, the field and the loss curve of the chosen weight, side by side
  const shots = [];
  let width = 16, height = 0;
  if (net && nodes.length) {
    const parts_ = edges.map(({ d, look }) => `<path d="${d}" fill="none" stroke="${look.colour}" stroke-width="${look.width.toFixed(1)}" stroke-opacity="${look.opacity.toFixed(2)}"/>`);
    const ratio = sheet.width / net.clientWidth;
    for (const { x, y, size } of nodes) {
      const cut = el("canvas", { width: Math.round(size * ratio), height: Math.round(size * ratio) });
      cut.getContext("2d").drawImage(sheet, x * ratio, (y - size / 2) * ratio, size * ratio, size * ratio, 0, 0, cut.width, cut.height);
      parts_.push(`<image x="${x}" y="${y - size / 2}" width="${size}" height="${size}" preserveAspectRatio="none" href="${cut.toDataURL()}"/>`);
    }
    for (const one of inputNodes) parts_.push(`<text x="${one.x - 6}" y="${one.y + 4}" text-anchor="end" font-size="12" fill="${css("ink")}">${one.picture ? "input" : escaped(D.features[one.i])}</text>`);
    shots.push(`<g transform="translate(16 16)">${parts_.join("")}</g>`);
    width += net.clientWidth + 16; height = net.clientHeight;
  }
  for (const canvas of [field && field.isConnected ? field : null, $("whatif")]) {
    if (!canvas) continue;
    const b = canvas.getBoundingClientRect();
    shots.push(`<image x="${width}" y="16" width="${b.width}" height="${b.height}" href="${canvas.toDataURL()}"/>`);
    width += b.width + 16; height = Math.max(height, b.height);
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height + 48}" width="${width}" height="${height + 48}" font-family="system-ui,sans-serif"><rect width="100%" height="100%" fill="${css("paper")}"/>${shots.join("")}<text x="16" y="${height + 38}" font-size="13" fill="${css("soft")}">${escaped(titleNow())}; ${escaped(summary())}</text></svg>\n`;
}

// A worksheet of the chosen neuron, or of the loss, for the chosen example: blanks to fill in, and the key on a page of its own.
const LINES_OF_A_SHEET = 40;
function worksheet() {
  const old = $("worksheet");
  if (old) old.remove();
  const before = scalarPanel.state, acts = ["forward", "backward"], pages = [];
  const kept = [before.act, before.now, before.predict, before.hidden];
  before.predict = before.hidden = false;
  const sheets = { forward: { values: new Map(), grads: new Map() }, backward: { values: new Map(), grads: new Map() } };
  before.places.forEach((place) => sheets.backward.values.set(place, 0)); // asked in the forward part
  for (const isKey of [false, true]) {
    const page = el("section", { className: "sheet" }, el("h2", { text: isKey ? "Key" : "Worksheet: the chain rule by hand" }), el("p", { text: `${titleNow()}. ${D.kind === "model" ? `${exampleName(S.example)}: ${D.features.slice(0, 12).map((f, i) => `${f} = ${fmt(exampleRow()[i])}`).join(", ")}; target ${targetName(S.example)}.` : ""}` }));
    for (const act of acts) {
      scalarPanel.go(act, 0);
      const list = el("ol"), sheet = sheets[act], all = before.list.length;
      before.list.slice(0, LINES_OF_A_SHEET).forEach((_, i) => {
        const told = scalarPanel.tell(i, isKey ? null : sheet);
        if (told.receiver !== undefined) sheet[act === "forward" ? "values" : "grads"].set(told.receiver, i + 1);
        list.append(el("li", {}, el("span", {}, ...told.line), act === "backward" ? ":  " : "  ", el("span", { className: "num" }, ...told.numbers), isKey ? el("b", { className: "num", text: fmt(told.result) }) : el("span", { className: "blank", text: "________" })));
      });
      page.append(el("h3", { text: act === "forward" ? "Forward: compute each value" : "Backward: local derivative × upstream gradient" }),
        isKey ? "" : el("p", { className: "note", text: "“line 1” stands for the number that you wrote into line 1 of this part" + (act === "backward" ? `, and a name for the number that you computed forward${[...list.querySelectorAll(".slope")].some((one) => one.textContent.startsWith("step(")) ? "; step is 1 above 0, and 0 elsewhere" : ""}.` : ".") }), list, all > LINES_OF_A_SHEET ? el("p", { className: "note", text: `These are the first ${LINES_OF_A_SHEET} of ${all} lines.` }) : "");
    }
    pages.push(page);
  }
  document.body.append(el("div", { id: "worksheet" }, el("p", { className: "controls noprint" }, el("button", { type: "button", className: "main", text: "print", onclick: () => print() }), el("button", { type: "button", text: "close", onclick: () => { $("worksheet").remove(); document.body.classList.remove("printing"); } })), ...pages));
  scalarPanel.go(kept[0], kept[1]);
  [before.act, before.now, before.predict, before.hidden] = kept;
  document.body.classList.add("printing");
  $("worksheet").querySelector("button").focus();
}

function tableOfNumbers() { // everything as a table, for those who read with their ears, and for copying
  const old = $("numbers-table");
  if (old) { parts.splice(parts.indexOf(old.fill), 1); old.remove(); return; }
  const rows = D.names.map((name) => el("tr", {}, el("th", { scope: "row", text: name, title: name }), number(0), number(0))), caption = el("caption");
  const fill = () => {
    if (S.playing) return;
    caption.textContent = `parameters, and their gradients for ${D.kind === "model" ? exampleName(S.example) : D.losses[0]}`;
    rows.forEach((row, k) => { setText(row.children[1], fmt(S.theta[k], 6)); setText(row.children[2], fmt(at(gradientPlace(k)), 6)); });
  };
  const box = panel("numbers-table", "Numbers as a table", el("div", { className: "scroll" }, el("table", { className: "terms" }, caption, el("thead", {}, el("tr", {}, ...["name", "data", "gradient"].map((text) => el("th", { scope: "col", text })))), el("tbody", {}, ...rows))));
  $("foot").before(box);
  parts.push(box.fill = fill);
  fill();
  box.scrollIntoView({ block: "nearest" });
}

function foot() {
  const box = el("footer", { className: "bar foot", id: "foot" });
  if (D.kind === "model" && wants("replay")) box.append(replayBar());
  const copy = el("button", { type: "button", id: "copy", text: "copy numbers", onclick: () => copyNumbers(copy) });
  const about = el("dialog", { "aria-label": "about this page" }, el("h2", { text: "About this page" }), el("p", { text: "The page was made with chainrule from somebody's own model, loss and data. It computes with the same operations and the same derivatives as the Python library, fetches nothing, and sends nothing." }), el("p", { text: "Keys: arrows move in the network and change a number (Shift: ten times as much); Enter keeps an edited number, Esc brings the old one back; ← and → walk through the scalar steps." }), el("button", { type: "button", text: "close", onclick: () => about.close() }));
  box.append(el("div", { className: "controls" }, copy, el("button", { type: "button", id: "picturebutton", text: "save picture", onclick: () => download("network.svg", "image/svg+xml", pictureAsSvg()) }),
    wants("scalar") ? el("button", { type: "button", id: "sheet", text: "worksheet", onclick: worksheet }) : null, el("button", { type: "button", id: "astable", text: "numbers as a table", onclick: tableOfNumbers }), el("button", { type: "button", text: "about", onclick: () => about.showModal() })), about);
  box.lastChild.previousSibling.append(helpButton("foot", about, "replay and export"));
  return box;
}
