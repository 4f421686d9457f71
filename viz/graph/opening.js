// Cards that open, neurons that are chosen, and matrices that show weights in place of gradients.
(function () {
  if (!chainrule.view) return;
  const data = JSON.parse(document.getElementById("data").textContent);
  const { svg } = chainrule.view;
  const NS = svg.namespaceURI;
  const cards = new Map(Array.from(svg.querySelectorAll("[data-card]"), (card) => [card.dataset.card, card]));
  let opened = null;
  let lines = null;
  let chosen = "";

  function add(parent, name, attributes, text) {
    const made = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    parent.append(made);
    return made;
  }

  function close() {
    opened?.remove();
    lines?.remove();
    svg.querySelector(".picked")?.classList.remove("picked");
    opened = lines = null;
    chosen = "";
  }

  // The rows of a card, in a card of their own over the picture, as near to it as there is room.
  function open(key, card, under) {
    const [name, [names, notes, numbers, grads], rows] = data.open[key];
    const width = Math.max(28 + names + notes + numbers + grads, 160);
    const height = 42 + 19 * rows.length;
    const at = card.transform.baseVal.consolidate().matrix;
    const { width: whole, height: high } = svg.viewBox.baseVal;
    const x = Math.max(4, Math.min(at.e + 12, whole - width - 4));
    const y = Math.max(4, Math.min(at.f + under + 4, high - height - 4));
    opened = add(svg, "g", { class: "card fold opened", transform: `translate(${x},${y})` });
    add(opened, "rect", { class: "face", width, height, rx: 9 });
    rows.forEach((row, index) => {
      const [left, middle, number, grad, shade] = row;
      const top = 34 + 19 * index;
      const right = width - 14;
      if (grad) add(opened, "path", { class: "tint " + shade, d: `M${right - grads + 4} ${top}h${grads}v18h${-grads}z` });
      add(opened, "text", { class: "key", x: 14, y: top + 14 }, left);
      add(opened, "text", { class: "faint", x: 14 + names + 12, y: top + 14 }, middle);
      add(opened, "text", { class: "figure", x: right - grads - 4, y: top + 14 }, number);
      add(opened, "text", { class: "figure grad", x: right, y: top + 14 }, grad);
    });
    add(opened, "rect", { class: "rim", width, height, rx: 9 });
    add(opened, "text", { class: "name", x: 14, y: 23 }, name);
    opened.addEventListener("click", close);
  }

  function draw(key) {
    lines = document.createElementNS(NS, "g");
    for (const [start, end, shade, d] of data.lines) {
      if (start !== key && end !== key) continue;
      add(add(lines, "g", { class: "edge chosen " + shade }), "path", { class: "line", d });
    }
    svg.insertBefore(lines, cards.values().next().value);
  }

  function choose(key, card, row) {
    const again = chosen === key;
    close();
    if (again) return;
    chosen = key;
    if (row) row.classList.add("picked");
    if (row) draw(key);
    const frame = card.querySelector(".rim").height.baseVal.value;
    if (data.open[key]) open(key, card, row ? 54 + 19 * (Number(row.dataset.row) + 1) : frame);
  }

  for (const [number, weights] of Object.entries(data.weights)) {
    const card = cards.get(number);
    const matrix = card.querySelector(".matrix");
    const caption = card.querySelector(".caption");
    const states = [matrix.innerHTML, weights];
    const names = [caption.textContent, "weights"];
    let state = 0;
    matrix.classList.add("switches");
    matrix.addEventListener("click", (event) => {
      event.stopPropagation();
      state = 1 - state;
      matrix.innerHTML = states[state];
      caption.textContent = names[state];
    });
  }

  for (const [number, card] of cards) {
    const rows = card.classList.contains("table") ? Array.from(card.querySelectorAll("[data-row]")) : [];
    if (!rows.length && !data.open[number]) continue;
    card.classList.add("opens");
    card.addEventListener("click", (event) => {
      let row = event.target.closest("[data-row]");
      if (!rows.includes(row)) row = null;
      if (rows.length && !row) {
        // Who walks with the keys goes from row to row with Enter.
        const last = rows.findIndex((one) => chosen === `${number}.${one.dataset.row}`);
        if (event.target === card) row = rows[(last + 1) % rows.length];
        else return;
      }
      choose(row ? `${number}.${row.dataset.row}` : number, card, row);
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
  });
})();
