"use strict";
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { names, values, made, texts, steps } = data;
  const last = steps.length - 1;
  const ACT = { start: 0, compute: 0, seed: 1, others: 1, pass: 1, move: 2, anew: 2 };
  const ACTS = ["forward", "backward", "update"];
  const WHICH = { data: ":not(.grad)", grad: ".grad" };
  const byId = (id) => document.getElementById(id);
  const byNumber = (kind) => {
    const found = [];
    document.querySelectorAll("#view [data-" + kind + "]").forEach((element) => {
      found[Number(element.dataset[kind])] = element;
    });
    return found;
  };
  const cards = byNumber("card");
  const edges = byNumber("edge");
  const labels = byNumber("label"); // the local derivatives, by the numbers of their edges
  const ends = []; // the value that an edge leads to
  data.into.forEach((found, index) => found.forEach((edge) => (ends[edge] = index)));
  const heads = new Map(); // the name of a card, as a screen reader says it
  for (const card of cards) {
    const [, name] = /^(.*), data .*, gradient /.exec(card.getAttribute("aria-label")) ?? [];
    if (name) heads.set(card, name);
  }
  // The drawing shows the end of backpropagation; the final colour of each edge is remembered here.
  const finalClass = edges.map((edge) => edge.getAttribute("class"));
  const shades = / ?\b(z|odd|[np][1-8])\b/g;
  const waitingClass = finalClass.map((name) => name.replace(shades, "") + " z");
  const finalTitles = [...document.querySelectorAll("#view svg title")].map((title) => [title, title.textContent]);
  // A drawing's own name has the result, which is not computed yet.
  for (const part of [chainrule.view.svg, document.querySelector(".stage")]) part.setAttribute("aria-label", document.title);
  const striped = [...document.querySelectorAll("#view .notice")].filter((line) => line.textContent.startsWith("Striped"));
  const slider = byId("slider");
  const play = byId("play");
  const opened = byId("opened");
  let now = 0;
  let timer = null;
  let openGroup = -1;
  let cells = new Map(); // number of a value -> its cells in the opened card

  // The value that a step is about; the one whose turn it is stands for the group.
  const subject = (step) => (step[0] === "others" ? null : step[0] === "pass" ? step[2] : typeof step[1] === "number" ? step[1] : null);
  const groupOf = (step) => (step[0] === "start" ? 0 : data.group[step[0] === "anew" ? names.length - 1 : step[1]]);
  const firstOf = ACTS.map((_, act) => steps.findIndex((step) => ACT[step[0]] === act));

  const lastOf = (act) => steps.reduce((found, step, index) => (ACT[step[0]] <= act ? index : found), 0);

  function number(text) {
    return Number(text.replace("−", "-").replace("inf", "Infinity"));
  }

  function short(value) {
    if (!Number.isFinite(value)) return String(value).replace("Infinity", "inf").replace("-", "−").toLowerCase();
    const text = Number(value.toPrecision(3));
    return String(text).replace("-", "−").replace("e+", "e").replace("e-", "e−");
  }

  // What a card of several results shows: the numbers that are known, from the least to the largest.
  function span(shown) {
    const known = shown.filter((text) => text !== "" && text !== "—");
    if (known.length < 2) return known[0] ?? shown[0];
    const odd = known.find((text) => !Number.isFinite(number(text)));
    if (odd) return odd;
    const [low, high] = [Math.min(...known.map(number)), Math.max(...known.map(number))];
    return low === high ? known[0] : short(low) + " … " + short(high);
  }

  // What is known after a step: data, gradients and their shades, the edges that have been passed.
  function stateAt(step) {
    const state = { data: values.map((text, index) => (made[index] ? "" : text)), grad: [...data.start] };
    state.shade = names.map(() => "z");
    state.passed = new Set();
    for (let index = 0; index <= step; index += 1) {
      const [kind, first, second, third, fourth, fifth] = steps[index];
      if (kind === "compute") state.data[first] = values[first];
      if (kind === "seed") [state.grad[first], state.shade[first]] = ["1", second];
      if (kind === "pass") {
        [state.grad[second], state.shade[second]] = [fourth[4], fifth];
        state.passed.add(third);
      }
      if (kind === "others") for (const [at, grad, shade] of second) [state.grad[at], state.shade[at]] = [grad, shade];
      if (kind === "move") state.data[first] = second[4];
      if (kind === "anew" && first) state.data = first;
      state.isAnew = kind === "anew"; // then local derivatives are others, too, which no step has kept
    }
    return state;
  }

  function strongest(shown, state) {
    const size = (index) => (state.shade[index] === "odd" ? 9 : Number(state.shade[index].slice(1)) || 0);
    return state.shade[shown.reduce((best, index) => (size(index) > size(best) ? index : best), shown[0])];
  }

  function write(place, segments) {
    place.replaceChildren();
    for (const [kind, text, word] of segments) {
      const span = document.createElement("span");
      if (kind) span.className = kind;
      span.textContent = text;
      if (word) {
        const small = document.createElement("small");
        small.textContent = word;
        span.classList.add("term");
        span.append(small);
      }
      place.append(span);
    }
  }

  const signed = (text) => (text.startsWith("−") ? "below" : text === "0" ? "strong" : "above");
  const capital = (text) => text[0].toUpperCase() + text.slice(1);
  const sentences = (list) => list.map((index) => " " + texts[index] + ".").join("");

  // The three texts of a step, as pieces: class, text, and the word under it.
  const SAID = {
    start([, notes]) {
      const none = data.why_none ? data.why_none + "." : "Then backpropagation walks back from it, and each parameter moves.";
      const result = ["strong", names[names.length - 1]];
      return [
        [["strong", "forward"], ["", " goes from left to right"]],
        [],
        [["", "The leaves have their numbers. Each other value is computed from its arguments, up to the result, "], result,
         ["", ". " + none], ["", notes.map((note) => " " + note).join("")]],
      ];
    },
    compute([, index, numbers, kept]) {
      const cut = numbers.search(/ [=≈] [^=≈]*$/);
      const result = [["strong", numbers.slice(cut < 0 ? 0 : cut + 3), names[index]]];
      const waits = texts[kept] ? [["", "Kept for the way back: the local derivative "], ["slope", texts[kept]], ["", "."]] : [];
      return [
        [["strong", names[index]], ["", made[index].slice(names[index].length)]],
        cut < 0 ? result : [["", numbers.slice(0, cut)], ["", numbers.slice(cut + 1, cut + 2)], ...result],
        waits,
      ];
    },
    seed([, index]) {
      const name = names[index];
      return [
        [["strong", name], ["", ".grad = 1"]],
        [],
        [["", "Before backward(), every gradient is 0. It starts at the result: "], ["strong", name],
         ["", " changes exactly as fast as itself, "], ["slope", "∂" + name + "/∂" + name], ["", " = 1. From here each value is "],
         ["", "reached when all that use it are done."]],
      ];
    },
    others() {
      const [who, they] = data.others === 1 ? ["the other example", "It goes"] : [`the other ${data.others} examples`, "They go"];
      return [
        [["strong", who], ["", ", all at once"]],
        [],
        [["", they + " the same way back, through the same parameters. What this brings to their gradients is added up "],
         ["", "already; the example that is shown adds its own to it."]],
      ];
    },
    pass([, giver, receiver, , [before, local, upstream, sign, after], , slope, said]) {
      return [
        [["strong", names[receiver]], ["", ".grad += "], ["slope", "local derivative"], ["", " × "], ["giver", names[giver] + ".grad"]],
        [["", before, before === "0" && !passedBefore(receiver) ? "at first" : "so far"], ["", "+"], ["slope", local, "local derivative"],
         ["", "×"], ["giver", upstream, "upstream gradient"], ["", sign], [signed(after), after, names[receiver] + ".grad"]],
        [["", made[giver] + ". "], ["slope", capital(slope)], ["", "." + sentences(said)]],
      ];
    },
    move([, index, [old, rate, grad, sign, result]]) {
      const name = names[index];
      const way = grad === "0" ? "A gradient of 0: it stays where it is." :
        "A step against the gradient: as " + (grad.startsWith("(") ? "a larger " + name + " makes " : "a smaller " + name + " makes ") +
        names[names.length - 1] + " smaller, " + name + " gets " + (grad.startsWith("(") ? "larger." : "smaller.");
      return [
        [["strong", name], ["", ".data −= learning rate × "], ["giver", name + ".grad"]],
        [["", old, "before"], ["", "−"], ["slope", rate, "learning rate"], ["", "×"], ["giver", grad, "gradient"], ["", sign],
         ["strong", result, name + ".data"]],
        [["", way + (now === firstOf[2] && data.stays ? " " + data.stays : "")]],
      ];
    },
    anew([, list, said]) {
      const root = names.length - 1;
      const numbers = list ? [["", values[root], "before"], ["", "→"], ["strong", list[root], names[root]]] : [];
      return [[["strong", names[root]], ["", " with the new numbers"]], numbers, [["", said]]];
    },
  };

  function passedBefore(receiver) {
    return steps.slice(0, now).some((step) => step[0] === "pass" && step[2] === receiver);
  }

  // The open card: a table of lines, in which each value is a cell.
  function cellOf(index) {
    const cell = document.createElement("span");
    cell.className = "cell";
    for (const kind of ["b", "span", "i", "span"]) cell.append(document.createElement(kind));
    const [name, , word, grad] = cell.children;
    name.textContent = name.title = names[index];
    word.textContent = "grad";
    grad.dataset.grad = "";
    if (!cells.has(index)) cells.set(index, []);
    cells.get(index).push(cell);
    cell.addEventListener("click", () => jump([index]));
    return cell;
  }

  function open(group) {
    if (!opened || group === openGroup) return;
    openGroup = group;
    kind = 0;
    build();
    opened.scrollTop = 0;
  }

  // Where the panel has too little room: cells that are narrower, then sums in a line of their own, then both. What a
  // group needed once it keeps, so that the panel does not jump from step to step.
  const KINDS = ["", "tight", "stacked", "tight stacked"];
  let kind = 0;

  function fit(state) {
    while (opened && kind < KINDS.length - 1 && opened.scrollWidth > opened.clientWidth) {
      kind += 1;
      build();
      paintCells(state);
    }
  }

  function build() {
    const isStacked = KINDS[kind].includes("stacked");
    opened.className = "opened " + KINDS[kind];
    cells = new Map();
    const { title, lines } = data.groups[openGroup];
    const heading = document.createElement("h2");
    heading.textContent = title + (lines.length > 1 ? ", opened" : "");
    const table = document.createElement("table");
    const sums = isStacked ? [] : lines.filter((line) => line.length > 1);
    const widths = [0, 1].map((part) => Math.max(0, ...sums.map((line) => line[part].length)));
    for (const line of lines) {
      const row = table.insertRow();
      let alone = sums.includes(line) ? null : row.insertCell(); // without a sum, there is nothing to align
      if (alone) [alone.className, alone.colSpan] = ["alone", widths[0] + widths[1] || 1];
      line.forEach((part, place) => {
        if (alone && place) {
          alone = table.insertRow().insertCell();
          alone.className = "alone more";
        }
        part.forEach((piece, at) => {
          const box = alone ?? row.insertCell();
          if (!alone && !place && at === part.length - 1) box.colSpan = widths[0] - part.length + 1;
          box.append(typeof piece === "number" ? cellOf(piece) : piece);
        });
      });
    }
    opened.replaceChildren(heading, table);
  }

  function paintCell(cell, index, state) {
    const [, value, word, grad] = cell.children;
    value.textContent = state.data[index];
    grad.textContent = state.grad[index];
    word.className = grad.className = state.shade[index];
    cell.classList.remove("receives", "gives");
  }

  function mark(index, role) {
    const card = cards[data.card[index]];
    card?.classList.add(role);
    const row = data.rows[data.card[index]].indexOf(index);
    if (row >= 0) card?.querySelectorAll(".row")[row]?.classList.add(role);
    for (const cell of cells.get(index) ?? []) cell.classList.add(role);
  }

  function setGrad(place, text) {
    if (!place) return;
    place.textContent = text;
    place.classList.toggle("faint", text === "0" || text === "—");
  }

  const spoken = (name, value, grad) =>
    `${name}, data ${value || "not computed yet"}, gradient ${grad === "—" ? "none" : grad}`;

  // A card shows its results, and in rows single values: parameters of a neuron, or neurons of a layer.
  function paintCard(card, shown, rows, state) {
    const tints = [...card.querySelectorAll(".tint")];
    const places = card.querySelectorAll(".row");
    const text = card.querySelector(".number:not(.grad)");
    const grads = shown.map((index) => state.grad[index]);
    const ofRows = tints.splice(tints.length - places.length);
    if (text) text.textContent = span(shown.map((index) => state.data[index]));
    setGrad(card.querySelector(".number.grad"), span(grads));
    if (tints.length) tints[0].setAttribute("class", "tint " + strongest(shown, state));
    places.forEach((row, at) => {
      if (rows[at] === null) return;
      row.querySelector(".figure:not(.grad)").textContent = state.data[rows[at]];
      setGrad(row.querySelector(".figure.grad"), state.grad[rows[at]]);
      ofRows[at].setAttribute("class", "tint " + state.shade[rows[at]]);
      row.setAttribute("aria-label", spoken(names[rows[at]], state.data[rows[at]], state.grad[rows[at]]));
      row.classList.remove("receives", "gives");
    });
    // A pattern is behind a number, and so it is seen no sooner than the number is.
    for (const pattern of card.querySelectorAll("[data-of]")) {
      const [kind, at] = pattern.dataset.of.split(" ");
      const among = at === undefined ? card : places[at];
      const behind = among.querySelector(at === undefined ? ".number" + WHICH[kind] : ".figure" + WHICH[kind]).textContent;
      const isSeen = pattern.classList.contains("hatching") ? behind !== "" : /nan|inf/.test(behind);
      pattern.classList.toggle("ahead", !isSeen);
    }
    card.classList.remove("receives", "gives");
    if (!text || !heads.has(card)) return;
    card.setAttribute("aria-label", spoken(heads.get(card), text.textContent, span(grads)));
  }

  function paint(state) {
    cards.forEach((card, place) => paintCard(card, data.results[place], data.rows[place], state));
    edges.forEach((edge, place) => edge.setAttribute("class", (state.passed.has(place) ? finalClass : waitingClass)[place]));
    // The sentence about stripes comes with the first of them.
    const isStriped = now >= lastOf(1) || byId("view").querySelector(".stripes:not(.ahead)");
    for (const line of striped) line.classList.toggle("ahead", !isStriped);
    chainrule.view.changed();
    labels.forEach((label, edge) => label.classList.toggle("ahead", state.isAnew || state.data[ends[edge]] === ""));
    paintCells(state);
  }

  function paintCells(state) {
    for (const [index, list] of cells) for (const cell of list) paintCell(cell, index, state);
  }

  function highlight(step) {
    const [kind, first, second, edge] = step;
    if (kind === "compute") {
      mark(first, "receives");
      for (const [place, drawn] of data.into[first].entries()) activate(drawn, place);
    }
    if (kind === "pass") {
      mark(first, "gives");
      mark(second, "receives");
      activate(edge);
    }
    if (kind === "seed" || kind === "move") mark(first, "receives");
    if (kind === "anew") mark(names.length - 1, "receives");
  }

  function activate(edge) {
    if (!edges[edge]) return;
    edges[edge].classList.add("active");
    edges[edge].parentNode.append(edges[edge]); // drawn last, it covers the other edges
  }

  // The tooltips say the numbers of the end of backpropagation; at other steps they have to say so.
  function entitle() {
    const end = lastOf(1);
    const note = "\n(the numbers at the end of the " + ACTS[ACT[steps[end][0]]] + " pass)";
    for (const [title, text] of finalTitles) title.textContent = now === end ? text : text + note;
    chainrule.nameEdges();
  }

  function show(step, isSilent) {
    now = Math.max(0, Math.min(last, step));
    const current = steps[now];
    const state = stateAt(now);
    open(groupOf(current));
    paint(state);
    fit(state);
    highlight(current);
    entitle();
    byId("view").classList.toggle("unfinished", now < lastOf(1)); // the bars and squares of folded cards are of the end
    const [update, numbers, why] = SAID[current[0]](current);
    write(byId("update"), update);
    write(byId("numbers"), numbers);
    write(byId("why"), why);
    slider.value = String(now);
    const said = "step " + now + " of " + last;
    slider.setAttribute("aria-valuetext", said + ", " + ACTS[ACT[current[0]]]);
    byId("counter").textContent = said;
    byId("first").disabled = byId("back").disabled = now === 0;
    byId("next").disabled = byId("end").disabled = byId("skip").disabled = now === last;
    firstOf.forEach((_, act) => {
      if (act === ACT[current[0]]) byId("act" + act).setAttribute("aria-current", "step");
      else byId("act" + act).removeAttribute("aria-current");
    });
    if (isSilent) return;
    remember();
    follow();
  }

  // Bring the card and the cell that the step is about into sight; at the beginning, where the forward pass begins.
  function follow() {
    if (now === 0) chainrule.view.element.scrollTo({ left: 0, top: 0, behavior: "instant" });
    const about = subject(steps[now]);
    if (about === null) return;
    const card = cards[data.card[about]];
    if (card) chainrule.view.reveal(card);
    if (cells.get(about)?.[0]) reveal(cells.get(about)[0]);
  }

  // Scroll the opened card alone; scrollIntoView would move the page, too.
  function reveal(cell) {
    const [box, port] = [cell.getBoundingClientRect(), opened.getBoundingClientRect()];
    if (box.top < port.top + 8) opened.scrollTop += box.top - port.top - 40;
    else if (box.bottom > port.bottom - 8) opened.scrollTop += box.bottom - port.bottom + 40;
    if (box.left < port.left + 8) opened.scrollLeft += box.left - port.left - 20;
    else if (box.right > port.right - 8) opened.scrollLeft += box.right - port.right + 20;
  }

  // The address names the step, so that a lesson can link to it; a frame without an address goes on without. Browsers
  // take some 200 addresses in ten seconds, and a key that is held makes more.
  let remembered = -Infinity;
  let later = null;
  function remember() {
    clearTimeout(later);
    const wait = remembered + 100 - performance.now();
    if (wait > 0) {
      later = setTimeout(remember, wait);
      return;
    }
    remembered = performance.now();
    try {
      history.replaceState(null, "", "?step=" + now + location.hash);
    } catch (error) {
      if (error.name !== "SecurityError") throw error;
    }
  }

  function stop() {
    if (timer !== null) clearInterval(timer);
    timer = null;
    play.setAttribute("aria-pressed", "false");
    play.lastElementChild.textContent = "Play";
  }

  function toggle() {
    if (timer !== null) {
      stop();
      return;
    }
    if (now === last) show(0);
    play.setAttribute("aria-pressed", "true");
    play.lastElementChild.textContent = "Pause";
    timer = setInterval(() => {
      show(now + 1);
      if (now === last) stop();
    }, 1200);
  }

  function go(step) {
    stop();
    show(step);
  }

  // The first step of the next neuron, or of the next act.
  function skip() {
    const key = (step) => ACT[step[0]] + " " + groupOf(step);
    let next = now + 1;
    while (next < last && key(steps[next]) === key(steps[now])) next += 1;
    go(next);
  }

  // Go to the next step that is about one of these values, or to the first one if there is no next one.
  function jump(wanted) {
    const own = steps.map((step, index) => (wanted.includes(subject(step)) ? index : -1)).filter((index) => index >= 0);
    if (own.length) go(own.find((index) => index > now) ?? own[0]);
  }

  byId("first").addEventListener("click", () => go(0));
  byId("back").addEventListener("click", () => go(now - 1));
  byId("next").addEventListener("click", () => go(now + 1));
  byId("skip").addEventListener("click", skip);
  byId("end").addEventListener("click", () => go(last));
  firstOf.forEach((first, act) => {
    byId("act" + act).hidden = first < 0;
    byId("act" + act).addEventListener("click", () => go(first));
  });
  play.addEventListener("click", toggle);
  slider.addEventListener("input", () => go(Number(slider.value)));
  cards.forEach((card, place) => {
    card.setAttribute("role", "button");
    card.setAttribute("aria-description", "go to its next step");
    card.addEventListener("click", () => jump(data.results[place]));
  });

  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const isButton = event.target.tagName === "BUTTON";
    if (event.target === slider && event.key !== " " && event.key.toLowerCase() !== "n") return; // it has its own arrow keys
    const action = {
      ArrowRight: () => go(now + 1),
      ArrowLeft: () => go(now - 1),
      Home: () => go(0),
      End: () => go(last),
      n: skip,
      N: skip,
      " ": isButton ? null : toggle,
    }[event.key];
    if (action) {
      event.preventDefault();
      action();
    }
  });

  // On paper: one line for each step, and the picture with all gradients.
  function print() {
    const list = byId("printed");
    let act = -1;
    list.replaceChildren();
    steps.forEach((step, index) => {
      if (ACT[step[0]] !== act) {
        act = ACT[step[0]];
        const heading = document.createElement("li");
        heading.className = "act";
        heading.textContent = act + 1 + " " + capital(ACTS[act]);
        list.append(heading);
      }
      if (step[0] === "start") return;
      const line = document.createElement("li");
      line.value = index;
      const parts = SAID[step[0]](step).slice(0, 2).map((part) => part.map(([, text], at) => (at && /^[+×=≈−→]$/.test(text) ? " " + text + " " : text)).join(""));
      line.textContent = parts.filter(Boolean).join(": ");
      list.append(line);
    });
    list.hidden = false;
    byId("view").classList.remove("unfinished");
    paint(stateAt(lastOf(1)));
  }
  window.addEventListener("beforeprint", print);
  window.addEventListener("afterprint", () => show(now, true));

  slider.max = String(last);
  const asked = new URLSearchParams(location.search).get("step");
  show(Number(asked) || 0, true);
  if (asked) requestAnimationFrame(() => requestAnimationFrame(follow)); // after the view has found its size
  if (opened) {
    let width = opened.clientWidth;
    new ResizeObserver(() => {
      if (opened.clientWidth === width || openGroup < 0) return; // its own height may change with its lines
      width = opened.clientWidth;
      kind = 0;
      build();
      show(now, true);
    }).observe(opened);
  }
  window.addEventListener("resize", () => requestAnimationFrame(() => requestAnimationFrame(() => now && follow())));
})();
