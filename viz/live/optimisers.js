// The rules by which parameters learn: those of chainrule.nn, a line or two each, on flat arrays in place.
// settings: rate and weight_decay, and those of the rule. `told` gives what `explain` says of the last step: the name of
// its texts, the share that chooses the sentence, and the numbers of the parts. The texts are those of chainrule.nn, too.

const velocityShare = (velocity, g, momentum) => (g === 0 ? Infinity : (velocity * (1 - momentum)) / g);
const RULES = {
  SGD: {
    state: ["velocity"],
    default: { momentum: 0, nesterov: 0 },
    move(w, g, k, s, o) {
      const v = (o.velocity[k] = s.momentum * o.velocity[k] + g);
      return -s.rate * (s.nesterov ? g + s.momentum * v : v);
    },
    told(k, g, s, o) {
      const velocity = o.velocity[k];
      if (!s.momentum) return ["SGD", 1, { step: -s.rate * g }];
      return [s.nesterov ? "nesterov" : "momentum", velocityShare(velocity, g, s.momentum), { velocity, limit: g / (1 - s.momentum), step: -s.rate * (s.nesterov ? s.momentum * velocity + g : velocity) }];
    },
  },
  Adagrad: {
    state: ["squares"],
    default: { epsilon: 1e-10 },
    move(w, g, k, s, o) {
      o.squares[k] += g * g;
      return (-s.rate * g) / (Math.sqrt(o.squares[k]) + s.epsilon);
    },
    told(k, g, s, o) {
      const size = Math.sqrt(o.squares[k]), share = s.rate / (size + s.epsilon);
      return ["Adagrad", share, { size, step: -share * g }];
    },
  },
  RMSProp: {
    state: ["mean_square", "velocity"],
    default: { beta: 0.99, epsilon: 1e-8, momentum: 0 },
    move(w, g, k, s, o) {
      o.mean_square[k] = s.beta * o.mean_square[k] + (1 - s.beta) * g * g;
      const moved = g / (Math.sqrt(o.mean_square[k]) + s.epsilon);
      return -s.rate * (s.momentum ? (o.velocity[k] = s.momentum * o.velocity[k] + moved) : moved);
    },
    told(k, g, s, o) {
      const square = o.mean_square[k], size = Math.sqrt(square), ratio = g / (size + s.epsilon), velocity = o.velocity[k], more = { "running square": square, take: 1 - s.beta };
      if (!s.momentum) return ["RMSProp", Math.abs(ratio), { ...more, size, ratio, step: -s.rate * ratio }];
      return ["RMSProp with momentum", velocityShare(velocity, ratio, s.momentum), { ...more, size, ratio, velocity, limit: ratio / (1 - s.momentum), step: -s.rate * velocity }];
    },
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
    told(k, g, s, o) {
      const first = 1 - Math.pow(s.beta1, o.steps), second = 1 - Math.pow(s.beta2, o.steps), mean = o.mean[k] / first, size = Math.sqrt(o.mean_square[k] / second), ratio = mean / (size + s.epsilon);
      const share = Math.min(Math.abs(ratio), 1), first_ = o.steps === 1 && share >= 0.8;
      return ["Adam", first_ ? Number(D.texts.first) : share, { take: 1 - s.beta1, take_square: 1 - s.beta2, count: o.steps, "running mean": o.mean[k], "running square": o.mean_square[k], mean, size, ratio, step: -s.rate * ratio }];
    },
  },
};
RULES.AdamW = { ...RULES.Adam, default: { ...RULES.Adam.default, weight_decay: 0.01 },
  move(w, g, k, s, o) { return RULES.Adam.move(w, g, k, s, o) - s.rate * s.weight_decay * w; },
  told(k, g, s, o) {
    const [, share, numbers] = RULES.Adam.told(k, g, s, o);
    return ["AdamW", share, { ...numbers, decay: -s.rate * s.weight_decay * o.before[k] }];
  } };

const br = (text) => (text.startsWith("−") ? `(${text})` : text);

// A number as Python's format writes it: "g", ".4g", ".0%"; ties go to the even digit, as there.
function formatted(x, spec) {
  if (!Number.isFinite(x)) return (x !== x ? "nan" : x > 0 ? "inf" : "-inf") + (spec.endsWith("%") ? "%" : "");
  const many = Number(spec.match(/\.(\d+)/)?.[1] ?? 6);
  if (spec.endsWith("%")) return `${Object.is(x, -0) ? "-" : ""}${toEven((digits) => (100 * x).toFixed(digits), many)}%`;
  if (x === 0) return Object.is(x, -0) ? "-0" : "0";
  const [digits, exponent] = toEven((n) => x.toExponential(n), many - 1).split("e"), e = Number(exponent);
  const bare = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  if (e < -4 || e >= many) return `${bare(digits)}e${e < 0 ? "-" : "+"}${String(Math.abs(e)).padStart(2, "0")}`;
  return bare(Number(`${digits}e${e}`).toFixed(Math.max(0, many - 1 - e)));
}
function toEven(write, digits) { // what lies in the middle between two texts gets the one whose last digit is even
  const middle = new RegExp(`^(-?\\d+${digits ? `\\.\\d{${digits}}` : ""})${digits ? "" : "\\."}50*(e.*)?$`).exec(write(digits + 40));
  return middle && /[02468]$/.test(middle[1]) ? middle[1] + (middle[2] ?? "") : write(digits);
}
const filled = (template, numbers) => template.replace(/\{(\w+)(?::([^}]*))?\}/g, (_, name, spec) => (spec === undefined ? numbers[name] : formatted(numbers[name], spec)));

const COMMON = { weight_decay: 0, clip_norm: null, clip_value: null, schedule: null };

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
    this.given = new Float64Array(this.count); // what the rule was given: the gradient, clipped, with the weight decay
  }

  // The share of the learning rate that the schedule gives to a step: shares[i] is that of step i · every.
  share(step) {
    const schedule = this.settings.schedule;
    if (!schedule) return 1;
    const at = step / schedule.every, low = Math.floor(at), { shares } = schedule;
    return low + 1 < shares.length ? shares[low] + (shares[low + 1] - shares[low]) * (at - low) : shares[shares.length - 1];
  }
  rate() { return this.settings.rate * this.share(this.steps); } // of the next step

  update(theta, gradient, fixed) {
    const s = (this.used = { ...this.settings, rate: this.rate() }), decays = this.decays(s);
    this.steps += 1;
    const clip = (g) => (s.clip_value === null ? g : Math.max(-s.clip_value, Math.min(s.clip_value, g)));
    let length = 0, shrink = 1;
    if (s.clip_norm !== null) {
      for (let k = 0; k < this.count; k += 1) if (!(fixed && fixed[k])) length += clip(gradient[k]) ** 2;
      length = Math.sqrt(length);
      if (length > s.clip_norm) shrink = s.clip_norm / length;
    }
    for (let k = 0; k < this.count; k += 1) {
      this.before[k] = theta[k];
      if (fixed && fixed[k]) continue;
      const g = clip(gradient[k]) * shrink;
      this.given[k] = decays ? g + s.weight_decay * theta[k] : g;
      this.last[k] = this.rule.move(theta[k], this.given[k], k, s, this);
      theta[k] += this.last[k];
    }
  }
  decays(s) { return s.weight_decay && this.name !== "AdamW"; } // the weight decay is in the gradient

  // The last step of one parameter, with the settings of that step: what optimiser.explain(parameter) says in Python.
  explain(k, name) {
    if (!this.steps) return null;
    const s = this.used, { rules, lines } = D.texts, gradient = this.given[k], before = this.before[k], [rule, share, found] = this.rule.told(k, gradient, s, this);
    const numbers = { ...s, ...found }, [rows, sentences] = rules[rule], step = numbers.step + (numbers.decay ?? 0);
    const used = [s.clip_norm !== null || s.clip_value !== null ? lines.clipped : "", this.decays(s) ? lines.decayed : ""].filter(Boolean).join(" and ");
    const parts = [["gradient", used, gradient], ...rows.map(([part, formula]) => [part, filled(formula, numbers), numbers[part]])];
    const sentence = filled((sentences.find(([least]) => share >= Number(least)) ?? sentences[sentences.length - 1])[1], { ...numbers, share });
    const plain = 0 - s.rate * gradient, title = filled(lines.title, { parameter: name, before, after: before + step });
    return { title, parts, step, plain, sentence, before, gradient, aside: Math.abs(plain - step) > 1e-9 * Math.abs(step) ? filled(lines.plain, { plain }) : "" };
  }
}

// Of a part that is computed from other parts: its formula with the numbers in place of their names.
function withNumbers(e, [part, formula]) {
  if (!["ratio", "step", "decay"].includes(part)) return "";
  const known = new Map([...e.parts.map(([name, , number]) => [name, number]), ["parameter", e.before]]);
  return formula.replace(/[a-z]+(?![\w-])/g, (word) => { const x = known.get(word); return x === undefined ? word : x < 0 ? `(${formatted(x, ".6g")})` : formatted(x, ".6g"); });
}
