// Cards that open, neurons that are chosen, and matrices that show weights in place of gradients.
(function () {
  if (!chainrule.view) return;
  const data = JSON.parse(document.getElementById("data").textContent);
  const { svg } = chainrule.view;
  const NS = svg.namespaceURI;
  const cards = new Map(Array.from(svg.querySelectorAll("[data-card]"), (card) => [card.dataset.card, card]));
  let lines = null;
  let chosen = "";

  function add(parent, name, attributes, text) {
    const made = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    parent.append(made);
    return made;
  }

  const panel = document.getElementById("opening");
  const table = document.getElementById("rows");

  function close() {
    panel.hidden = true;
    lines?.remove();
    svg.querySelector(".picked")?.classList.remove("picked");
    lines = null;
    chosen = "";
  }

  // The rows of a card, beside the picture: over it, they would hide what they belong to.
  function open(key, card) {
    const [name, rows] = data.open[key];
    document.getElementById("opened").textContent = name;
    table.replaceChildren();
    const head = table.createTHead().insertRow();
    for (const word of ["", "", ...data.heads]) head.insertCell().textContent = word;
    const body = table.createTBody();
    for (const [left, middle, number, grad, shade] of rows) {
      const row = body.insertRow();
      const heading = document.createElement("th");
      heading.scope = "row";
      heading.textContent = left;
      row.append(heading);
      for (const text of [middle, number, grad]) row.insertCell().textContent = text;
      row.cells[1].className = "note";
      row.cells[3].className = shade;
    }
    panel.hidden = false;
    panel.scrollTop = 0;
    requestAnimationFrame(() => requestAnimationFrame(() => chainrule.view.reveal(card))); // the view got smaller
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
    draw(key);
    if (data.open[key]) open(key, row ?? card);
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
  document.getElementById("close").addEventListener("click", close);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
  });
})();
