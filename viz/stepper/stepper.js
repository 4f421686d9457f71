"use strict";
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const steps = data.steps;
  const last = steps.length - 1;
  const byNumber = (kind) => {
    const found = [];
    document.querySelectorAll("[data-" + kind + "]").forEach((element) => {
      found[Number(element.dataset[kind])] = element;
    });
    return found;
  };
  const cards = byNumber("card");
  const edges = byNumber("edge");
  // The drawing shows the end of backpropagation; the final colour of each edge is remembered here.
  const finalClass = edges.map((edge) => edge.getAttribute("class"));
  const shades = / ?\b(z|odd|[np][1-8])\b/g;
  const waitingClass = finalClass.map((name) => name.replace(shades, "") + " z");
  const slider = document.getElementById("slider");
  const counter = document.getElementById("counter");
  const play = document.getElementById("play");
  let now = 0;
  let timer = null;

  function write(id, segments) {
    const place = document.getElementById(id);
    place.replaceChildren();
    for (const [kind, text] of segments) {
      const span = document.createElement("span");
      if (kind) span.className = kind;
      span.textContent = text;
      place.append(span);
    }
  }

  function setGradient(number, text, shade) {
    const card = cards[number];
    const grad = card.querySelector(".grad");
    grad.textContent = text;
    grad.classList.toggle("faint", text === "0" || text === "—");
    card.querySelector(".tint").setAttribute("class", "tint " + shade);
    card.setAttribute("aria-label", card.getAttribute("aria-label").replace(/[^ ]*$/, text));
  }

  function show(step, isSilent) {
    now = Math.max(0, Math.min(last, step));
    cards.forEach((card, number) => {
      setGradient(number, data.start[number], "z");
      card.classList.remove("receives", "gives");
    });
    edges.forEach((edge, number) => edge.setAttribute("class", waitingClass[number]));
    for (let index = 0; index <= now; index += 1) {
      const done = steps[index];
      if (done.receiver !== null) setGradient(done.receiver, done.grad, done.shade);
      if (done.edge !== null) edges[done.edge].setAttribute("class", finalClass[done.edge]);
    }
    const current = steps[now];
    if (current.giver !== null) cards[current.giver].classList.add("gives");
    if (current.receiver !== null) cards[current.receiver].classList.add("receives");
    if (current.edge !== null) {
      edges[current.edge].classList.add("active");
      edges[current.edge].parentNode.append(edges[current.edge]); // drawn last, it covers the other edges
    }
    write("update", current.update);
    write("numbers", current.numbers);
    write("why", current.why);
    slider.value = String(now);
    slider.setAttribute("aria-valuetext", "step " + now + " of " + last);
    counter.textContent = "step " + now + " of " + last;
    document.getElementById("first").disabled = document.getElementById("back").disabled = now === 0;
    document.getElementById("next").disabled = document.getElementById("end").disabled = now === last;
    if (!isSilent && current.receiver !== null) chainrule.view.reveal(cards[current.receiver]);
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

  // Go to the next step in which this card receives a gradient, or to the first one if there is no next one.
  function jump(number) {
    const own = steps.map((step, index) => (step.receiver === number ? index : -1)).filter((index) => index >= 0);
    if (own.length) go(own.find((index) => index > now) ?? own[0]);
  }

  document.getElementById("first").addEventListener("click", () => go(0));
  document.getElementById("back").addEventListener("click", () => go(now - 1));
  document.getElementById("next").addEventListener("click", () => go(now + 1));
  document.getElementById("end").addEventListener("click", () => go(last));
  play.addEventListener("click", toggle);
  slider.addEventListener("input", () => go(Number(slider.value)));
  cards.forEach((card, number) => {
    card.setAttribute("role", "button");
    card.setAttribute("aria-description", "go to the step that changes its gradient");
    card.addEventListener("click", () => jump(number));
  });

  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const isButton = event.target.tagName === "BUTTON";
    if (event.target === slider && event.key !== " ") return; // the slider handles its arrow keys itself
    const action = {
      ArrowRight: () => go(now + 1),
      ArrowLeft: () => go(now - 1),
      Home: () => go(0),
      End: () => go(last),
      " ": isButton ? null : toggle,
    }[event.key];
    if (action) {
      event.preventDefault();
      action();
    }
  });

  slider.max = String(last);
  show(0, true);
})();
