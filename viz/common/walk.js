"use strict";
// A walk through a picture with the keys: one stop of the tab key, then arrows from card to edge to card.
(function () {
  if (!chainrule.view) return;
  const { svg, reveal } = chainrule.view;
  const cards = new Map(Array.from(svg.querySelectorAll("[data-card]"), (card) => [card.dataset.card, card]));
  const edges = Array.from(svg.querySelectorAll("[data-edge][data-ends]"), (edge) => {
    const [start, end] = edge.dataset.ends.split(" ");
    return { edge, start: cards.get(start), end: cards.get(end) };
  });
  if (!cards.size) return;
  const bar = document.getElementById("detail");
  const all = [...cards.values(), ...edges.map(({ edge }) => edge)];
  const results = svg.querySelectorAll(".root");
  let current = results[results.length - 1] ?? all[0];
  let origin = null; // the card from which an edge was reached

  svg.setAttribute("role", "group"); // as an image, it would hide its cards
  for (const item of all) {
    item.setAttribute("tabindex", "-1");
    // An image hides what is inside of it, which is right where its name says it all, and wrong for a card with rows.
    item.setAttribute("role", item.querySelector("[data-row]") ? "group" : "img");
  }
  // What a title says, as it is spoken: in one line, with four digits of each number. It is said once, as the name, and
  // not again as the description.
  const spoken = (title) =>
    title.replace(/\ngrad /g, "\ngradient ").replace(/\n(?!\()/g, ", ")
      .replace(/\d+\.\d+/g, (number) => String(Number(Number(number).toPrecision(4))));
  function setName(item, name) {
    item.setAttribute("aria-label", name);
    item.setAttribute("aria-description", "");
  }

  // The name of an edge says where it leads where its title does not: it may name values inside of cards, or none.
  chainrule.nameEdges = () => {
    for (const { edge, start, end } of edges) {
      const title = edge.querySelector("title").textContent;
      const ends = [start, end].map((card) => card.getAttribute("aria-label").replace(/, (data|gradient) .*/, ""));
      const isSaid = ends.every((name) => title.includes(name));
      setName(edge, (isSaid ? "" : `from ${ends[0]} to ${ends[1]}: `) + spoken(title));
    }
  };
  chainrule.nameEdges();
  for (const row of svg.querySelectorAll("[data-card] [data-row]")) {
    row.setAttribute("role", "img"); // its name has all that its texts say
    setName(row, spoken(row.querySelector("title").textContent));
  }
  const named = svg.querySelectorAll("[role=group] > :is(.name, .soft, .word, .number)"); // the card's name has them
  for (const text of named) text.setAttribute("aria-hidden", "true");
  for (const label of svg.querySelectorAll("[data-label]")) label.setAttribute("aria-hidden", "true"); // its edge says it
  current.setAttribute("tabindex", "0");

  const middle = (item) => {
    const box = item.getBoundingClientRect();
    return [(box.left + box.right) / 2, (box.top + box.bottom) / 2, box.width];
  };

  function go(item) {
    if (!item) return;
    current.setAttribute("tabindex", "-1");
    current = item;
    current.setAttribute("tabindex", "0");
    current.focus({ preventScroll: true });
    reveal(current);
  }

  // The edges out of a card (to its users) or into it (from its arguments), from top to bottom.
  function along(card, isOut) {
    const found = edges.filter((one) => (isOut ? one.start : one.end) === card);
    const far = new Map(found.map((one) => [one, middle(isOut ? one.end : one.start)[1]]));
    return found.sort((one, other) => far.get(one) - far.get(other));
  }

  function sideways(isOut) {
    const one = edges.find(({ edge }) => edge === current);
    if (one) {
      origin = null;
      go(isOut ? one.end : one.start);
      return;
    }
    const first = along(current, isOut)[0];
    if (first) origin = { card: current, isOut };
    go(first && first.edge);
  }

  function vertically(sign) {
    const one = edges.find(({ edge }) => edge === current);
    if (one) {
      const { card, isOut } = origin ?? { card: one.end, isOut: false };
      const beside = along(card, isOut).map(({ edge }) => edge);
      go(beside[beside.indexOf(current) + sign]);
      return;
    }
    const [x, y, wide] = middle(current);
    let nearest = null;
    let least = Infinity;
    for (const card of cards.values()) {
      const [toX, toY] = middle(card);
      const down = sign * (toY - y);
      const distance = down + (Math.abs(toX - x) < wide / 2 ? 0 : 1e6 + 4 * Math.abs(toX - x)); // its own column first
      if (down > 1 && distance < least) [nearest, least] = [card, distance];
    }
    go(nearest);
  }

  svg.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || !all.includes(event.target)) return;
    const action = {
      ArrowRight: () => sideways(true),
      ArrowLeft: () => sideways(false),
      ArrowUp: () => vertically(-1),
      ArrowDown: () => vertically(1),
      Home: () => go(all[0]),
      End: () => go(results[results.length - 1] ?? [...cards.values()].pop()),
      Enter: () => current.dispatchEvent(new MouseEvent("click", { bubbles: true })),
      " ": () => current.dispatchEvent(new MouseEvent("click", { bubbles: true })),
      Escape: () => (bar.hidden = true),
    }[event.key];
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  });

  // A tooltip is for the mouse; who walks with the keys or taps reads the same in a box.
  function tell(item) {
    bar.textContent = item.querySelector("title")?.textContent ?? "";
    bar.hidden = !bar.textContent;
  }
  // On the view: an <svg> that listens to the focus would be a stop of the tab key in Chromium.
  chainrule.view.element.addEventListener("focusin", (event) => {
    const item = event.target.closest("[tabindex]");
    if (item && item !== current && all.includes(item)) go(item);
    if (item && item.matches(":focus-visible")) tell(item);
  });
  chainrule.view.element.addEventListener("focusout", () => (bar.hidden = true));
  svg.addEventListener("pointerup", (event) => {
    const item = event.pointerType === "mouse" ? null : event.target.closest("[data-card],[data-edge]");
    if (item) tell(item);
  });
})();
