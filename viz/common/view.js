"use strict";
// The view of a picture: it fits its window as far as its text stays readable, and can be zoomed and moved.
(function () {
  const view = document.getElementById("view");
  if (!view) return;
  const svg = view.querySelector("svg");
  const { width, height } = svg.viewBox.baseVal;
  const readable = Number(view.dataset.readable); // the scale at which the smallest text is still read
  const STEP = 1.25;
  const LARGEST = 8;
  const MARGIN = 32; // pixels around what is brought into sight
  const MOVED = 4; // pixels after which a press of the mouse is no click
  let scale = 1;
  let isAtStart = true; // nobody has zoomed or moved the picture yet
  let isOurs = false; // the scrolling is the page's doing and not the reader's

  function whole() {
    const style = getComputedStyle(view);
    const across = view.offsetWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const down = view.offsetHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
    return Math.min(across / width, down / height);
  }

  function scroll(left, top) {
    isOurs = true;
    view.scrollTo({ left, top, behavior: "instant" });
    requestAnimationFrame(() => requestAnimationFrame(() => (isOurs = false)));
  }

  function setScale(wanted) {
    scale = Math.max(Math.min(whole(), readable) / 2, Math.min(wanted, LARGEST));
    svg.style.width = width * scale + "px";
    svg.style.minWidth = svg.style.maxWidth = "0"; // what holds where no script runs
    svg.style.maxWidth = "none";
    document.getElementById("out").disabled = scale <= (Math.min(whole(), readable) / 2) * 1.001;
    document.getElementById("in").disabled = scale >= LARGEST;
    changed();
  }

  function isWhole() {
    return scale <= whole() * 1.001;
  }

  // What the picture says in sentences, once more below it, where a narrow window would cut them off.
  const told = document.getElementById("told");
  const legend = document.querySelector(".foot") ? [] : svg.querySelectorAll("[data-told]"); // a stepper's words explain it
  const lines = [...svg.querySelectorAll(".notice, .hint"), ...legend];

  function changed() {
    const seen = lines.filter((line) => !line.classList.contains("ahead"));
    told.textContent = seen.map((line) => line.dataset.told ?? line.textContent).join(" ");
    view.classList.toggle("larger", !isWhole());
    told.hidden = isWhole() || !told.textContent;
    document.getElementById("whole").setAttribute("aria-pressed", String(isWhole()));
    window.dispatchEvent(new Event("viewchange"));
  }

  // As large as the window allows, but never so small that it cannot be read; then the result is what is in sight. A
  // picture that is stepped through begins at the left, as its forward pass does.
  function start() {
    isAtStart = true;
    setScale(Math.max(readable, Math.min(whole(), chainrule.isFramed ? 1 : 1.5)));
    const results = svg.querySelectorAll(".root");
    if (!results.length || isWhole() || document.getElementById("skip")) return scroll(0, 0);
    const box = results[results.length - 1].getBoundingClientRect();
    const port = view.getBoundingClientRect();
    const left = view.scrollLeft + box.right - port.left + MARGIN - view.clientWidth;
    scroll(left, view.scrollTop + (box.top + box.bottom) / 2 - port.top - view.clientHeight / 2);
  }

  // Zoom so that the point stays where it is, such as the one under the mouse.
  function zoom(factor, x, y) {
    const port = view.getBoundingClientRect();
    const before = svg.getBoundingClientRect();
    const at = [x ?? port.left + view.clientWidth / 2, y ?? port.top + view.clientHeight / 2];
    const share = [(at[0] - before.left) / before.width, (at[1] - before.top) / before.height];
    isAtStart = false;
    setScale(scale * factor);
    const after = svg.getBoundingClientRect();
    scroll(
      view.scrollLeft + after.left + share[0] * after.width - at[0],
      view.scrollTop + after.top + share[1] * after.height - at[1],
    );
  }

  function toggleWhole() {
    if (isWhole()) {
      start();
      if (isWhole()) zoom(1 / scale); // it fits at a readable size: show it at its own
    } else {
      isAtStart = false;
      setScale(Math.min(whole(), 1.5));
    }
  }

  // Scroll as little as brings the element into sight.
  function reveal(element) {
    const box = element.getBoundingClientRect();
    const port = view.getBoundingClientRect();
    const by = (low, high, from, to) =>
      low < from + MARGIN ? low - from - MARGIN : high > to - MARGIN ? Math.min(high - to + MARGIN, low - from - MARGIN) : 0;
    const left = by(box.left, box.right, port.left, port.left + view.clientWidth);
    const top = by(box.top, box.bottom, port.top, port.top + view.clientHeight);
    if (!left && !top) return;
    isAtStart = false; // a reader who was led somewhere stays there when the window changes
    scroll(view.scrollLeft + left, view.scrollTop + top);
  }

  function dragging(event) {
    if (event.pointerType !== "mouse" || event.button !== 0 || !view.classList.contains("larger")) return;
    const from = [event.clientX, event.clientY, view.scrollLeft, view.scrollTop];
    let isDragged = false;
    const move = (now) => {
      const [x, y] = [now.clientX - from[0], now.clientY - from[1]];
      if (!isDragged && Math.hypot(x, y) < MOVED) return;
      isDragged = true;
      isAtStart = false;
      view.classList.add("moving");
      view.scrollTo({ left: from[2] - x, top: from[3] - y, behavior: "instant" });
    };
    const end = () => {
      window.removeEventListener("pointermove", move);
      window.removeEventListener("pointerup", end);
      window.removeEventListener("pointercancel", end);
      view.classList.remove("moving");
      if (!isDragged) return;
      const swallow = (click) => click.stopPropagation(); // the end of a drag is no click on a card
      view.addEventListener("click", swallow, { capture: true, once: true });
      setTimeout(() => view.removeEventListener("click", swallow, { capture: true }), 0);
    };
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", end);
    window.addEventListener("pointercancel", end);
  }

  function wheel(event) {
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.002)), event.clientX, event.clientY);
      return;
    }
    isAtStart = false;
    const isWide = view.scrollHeight <= view.clientHeight && view.scrollWidth > view.clientWidth;
    if (isWide && !chainrule.isFramed && !event.deltaX) {
      event.preventDefault(); // a mouse has no other wheel, and there is nothing above or below
      view.scrollLeft += event.deltaY * (event.deltaMode ? 20 : 1);
    }
  }

  function key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    const action = { "+": () => zoom(STEP), "=": () => zoom(STEP), "-": () => zoom(1 / STEP), 0: toggleWhole }[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  document.getElementById("in").addEventListener("click", () => zoom(STEP));
  document.getElementById("out").addEventListener("click", () => zoom(1 / STEP));
  document.getElementById("whole").addEventListener("click", toggleWhole);
  view.addEventListener("pointerdown", dragging);
  view.addEventListener("wheel", wheel, { passive: false });
  view.addEventListener("scroll", () => {
    if (!isOurs) isAtStart = false;
    window.dispatchEvent(new Event("viewchange"));
  });
  document.addEventListener("keydown", key);
  new ResizeObserver(() => {
    if (!view.clientWidth) return; // a hidden tab of a notebook
    if (isAtStart) start();
    else changed();
  }).observe(view);
  chainrule.view = { element: view, svg, reveal, scale: () => scale, changed };
})();
