// The rules by which parameters learn: those of chainrule.nn, a line or two each, on flat arrays in place.
// settings: rate and weight_decay, and those of the rule. In `numbers`, g is the gradient that the rule was given.

const RULES = {
  SGD: {
    state: ["velocity"],
    default: { momentum: 0, nesterov: 0 },
    move(w, g, k, s, o) {
      const v = (o.velocity[k] = s.momentum * o.velocity[k] + g);
      return -s.rate * (s.nesterov ? g + s.momentum * v : v);
    },
    words: (s) => (!s.momentum ? "w −= rate × gradient" : `v = momentum·v + gradient,  w −= rate × ${s.nesterov ? "(gradient + momentum·v)" : "v"}`),
    numbers: (k, s, o, g, n) => (s.momentum && s.nesterov ? `v = ${n(o.velocity[k])},  w −= ${n(s.rate)} × (${n(g)} + ${n(s.momentum)} × ${br(n(o.velocity[k]))})` : s.momentum ? `v = ${n(o.velocity[k])},  w −= ${n(s.rate)} × ${br(n(o.velocity[k]))}`
      : `w −= ${n(s.rate)} × ${br(n(g))}`),
  },
  Adagrad: {
    state: ["squares"],
    default: { epsilon: 1e-10 },
    move(w, g, k, s, o) {
      o.squares[k] += g * g;
      return (-s.rate * g) / (Math.sqrt(o.squares[k]) + s.epsilon);
    },
    words: () => "G = G + gradient²,  w −= rate × gradient ÷ √G",
    numbers: (k, s, o, g, n) => `√G = ${n(Math.sqrt(o.squares[k]))},  w −= ${n(s.rate)} × ${br(n(g))} ÷ ${n(Math.sqrt(o.squares[k]))}`,
  },
  RMSProp: {
    state: ["mean_square", "velocity"],
    default: { beta: 0.99, epsilon: 1e-8, momentum: 0 },
    move(w, g, k, s, o) {
      o.mean_square[k] = s.beta * o.mean_square[k] + (1 - s.beta) * g * g;
      const moved = g / (Math.sqrt(o.mean_square[k]) + s.epsilon);
      return -s.rate * (s.momentum ? (o.velocity[k] = s.momentum * o.velocity[k] + moved) : moved);
    },
    words: (s) => `v = β·v + (1 − β)·gradient²,  ${s.momentum ? "u = momentum·u + gradient ÷ √v,  w −= rate × u" : "w −= rate × gradient ÷ √v"}`,
    numbers: (k, s, o, g, n) => (s.momentum ? `u = ${n(o.velocity[k])},  w −= ${n(s.rate)} × ${br(n(o.velocity[k]))}` : `√v = ${n(Math.sqrt(o.mean_square[k]))},  w −= ${n(s.rate)} × ${br(n(g))} ÷ ${n(Math.sqrt(o.mean_square[k]))}`),
  },
  Adam: {
    state: ["mean", "mean_square"],
    default: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
    move(w, g, k, s, o) {
      o.mean[k] = s.beta1 * o.mean[k] + (1 - s.beta1) * g;
      o.mean_square[k] = s.beta2 * o.mean_square[k] + (1 - s.beta2) * g * g;
      const mean = o.mean[k] / (1 - Math.pow(s.beta1, o.steps)), square = o.mean_square[k] / (1 - Math.pow(s.beta2, o.steps));
      return (-s.rate * mean) / (Math.sqrt(square) + s.epsilon);
    },
    words: () => "m̂ = mean of the last gradients,  v̂ = mean of their squares,  w −= rate × m̂ ÷ √v̂",
    numbers: (k, s, o, g, n) => {
      const [m, v] = hats(k, s, o);
      return `m̂ = ${n(m)},  √v̂ = ${n(v)},  w −= ${n(s.rate)} × ${br(n(m))} ÷ ${n(v)}`;
    },
  },
};
RULES.AdamW = { ...RULES.Adam, default: { ...RULES.Adam.default, weight_decay: 0.01 },
  words: () => `${RULES.Adam.words()},  w −= rate × decay × w`,
  numbers: (k, s, o, g, n) => `${RULES.Adam.numbers(k, s, o, g, n)},  w −= ${n(s.rate)} × ${n(s.weight_decay)} × ${br(n(o.before[k]))}`,
  move(w, g, k, s, o) { return RULES.Adam.move(w, g, k, s, o) - s.rate * s.weight_decay * w; } };

const br = (text) => (text.startsWith("−") ? `(${text})` : text);

function hats(k, s, o) { // Adam's mean and size of the gradient, corrected for their start at 0
  const t = Math.max(o.steps, 1);
  return [o.mean[k] / (1 - Math.pow(s.beta1, t)), Math.sqrt(o.mean_square[k] / (1 - Math.pow(s.beta2, t)))];
}

const COMMON = { weight_decay: 0, clip_norm: null, clip_value: null };

class Optimiser {
  constructor(name, settings, count) {
    this.name = name;
    this.rule = RULES[name];
    this.settings = { ...COMMON, ...this.rule.default, ...settings };
    this.count = count;
    this.forget();
  }

  forget() {
    this.steps = 0;
    for (const name of this.rule.state) this[name] = new Float64Array(this.count);
    this.last = new Float64Array(this.count); // the last move of each parameter
    this.before = new Float64Array(this.count); // what it was before that
    this.gradient = new Float64Array(this.count); // its gradient
    this.given = new Float64Array(this.count); // and what the rule was given: the gradient, with the weight decay
  }

  update(theta, gradient, fixed) {
    const s = this.settings, decays = s.weight_decay && this.name !== "AdamW";
    this.steps += 1;
    const clip = (g) => (s.clip_value === null ? g : Math.max(-s.clip_value, Math.min(s.clip_value, g)));
    let length = 0, shrink = 1;
    if (s.clip_norm !== null) {
      for (let k = 0; k < this.count; k += 1) if (!(fixed && fixed[k])) length += clip(gradient[k]) ** 2;
      length = Math.sqrt(length);
      if (length > s.clip_norm) shrink = s.clip_norm / length;
    }
    for (let k = 0; k < this.count; k += 1) {
      if (fixed && fixed[k]) continue;
      const g = clip(gradient[k]) * shrink;
      this.gradient[k] = g;
      this.before[k] = theta[k];
      this.given[k] = decays ? g + s.weight_decay * theta[k] : g;
      this.last[k] = this.rule.move(theta[k], this.given[k], k, s, this);
      theta[k] += this.last[k];
    }
  }

  // The last step of one parameter: in names, in numbers, and in a sentence that depends on the numbers.
  explain(k, n) {
    const s = this.settings, g = this.gradient[k], moved = this.last[k];
    if (!this.steps) return null;
    let said;
    if (this.name === "Adam" || this.name === "AdamW") {
      const [m, v] = hats(k, s, this), share = v > 0 ? Math.abs(m) / v : 0, percent = `${Math.round(100 * share)} %`;
      said = share >= 0.8 ? `The gradient was steady: its mean is ${percent} of its usual size, so the step is nearly the whole learning rate.`
        : share < 0.2 ? `The gradient was noisy: it changes its sign, and its mean is only ${percent} of its usual size, so the step is small.`
          : `The mean of the gradient is ${percent} of its usual size, so the step is that share of the learning rate.`;
    } else if (this.name === "SGD" && s.momentum) {
      const agrees = Math.sign(this.velocity[k]) === Math.sign(g);
      said = agrees ? `Momentum agrees with this gradient: what about ${Math.round(1 / (1 - s.momentum))} gradients agree on adds up.`
        : "Momentum still runs against this gradient: the past is stronger than the present.";
    } else if (this.name === "SGD") said = "SGD goes straight down the slope: a gradient ten times as large makes a step ten times as large.";
    else said = `The gradient is divided by its usual size, so the step is ${n(Math.abs(moved) / s.rate, 2)} of the learning rate.`;
    const decays = s.weight_decay && this.name !== "AdamW" ? "gradient += decay × w,  " : "";
    return { words: decays + this.rule.words(s), numbers: this.rule.numbers(k, s, this, this.given[k], n), said, moved, plain: -s.rate * g, gradient: g };
  }
}
