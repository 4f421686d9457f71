// The machine: it computes a tape of scalar operations for blocks of examples, one case for each primitive.
// A tape is { inputs, parameters, rows: [[name, tree]], operations, starts, arguments, numbers, results, ... }; an
// argument is a place, or below 0 the number numbers[-1 - argument]. A tree is a number, "a0" …, or [primitive, ...trees].

const PRIMITIVES = ["add", "subtract", "multiply", "divide", "maximum", "minimum", "negative", "tanh", "exp", "where",
  "greater", "sign", "logaddexp", "power", "positive", "absolute", "floor", "ceil", "trunc", "rint", "expm1", "exp2",
  "log", "log1p", "log2", "log10", "sqrt", "cbrt", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh",
  "arcsinh", "arccosh", "arctanh", "deg2rad", "rad2deg", "erf", "erfc", "floor_divide", "mod", "arctan2", "hypot",
  "total", "dot", "logsumexp", "pick", "multiply add"];
const CODE = Object.fromEntries(PRIMITIVES.map((name, code) => [name, code]));

// What is no operator of JavaScript's stands in the compiler's own file, which programs in files share; see page.py. The
// machine calls functions of one number by their code.
const { logaddexp, power, mod, floor_divide, hypot, logsumexp } = Primitive;
const UNARY = PRIMITIVES.map((name) => Primitive[name]);

// A machine for some results of a tape: it computes only what they need. `instead` gives other trees to some places:
// a map from a place to [tree, arguments], as when another activation is chosen.
class Machine {
  constructor(tape, results, { instead = null, block = 32, keep = false } = {}) {
    this.leaves = tape.inputs + tape.parameters;
    this.inputs = tape.inputs;
    this.parameters = tape.parameters;
    this.block = block;
    this.slots = 0;
    const needed = this.needed(tape, results, instead);
    this.assemble(tape, needed, instead);
    this.place(results.map((r) => this.of(tape, r)), keep);
    this.results = results.map((r) => this.slot[this.of(tape, r)]);
    this.of = null;
  }

  needed(tape, results, instead) {
    const wanted = new Uint8Array(this.leaves + tape.operations.length);
    for (const r of results) if (r >= 0) wanted[r] = 1;
    for (let place = wanted.length - 1; place >= this.leaves; place -= 1) {
      if (!wanted[place]) continue;
      for (const a of this.argumentsOf(tape, place, instead)) if (a >= 0) wanted[a] = 1;
    }
    return wanted;
  }

  argumentsOf(tape, place, instead) {
    const other = instead && instead.get(place);
    if (other) return other[1];
    const i = place - this.leaves;
    return tape.arguments.subarray(tape.starts[i], tape.starts[i + 1]);
  }

  // Instructions on values: value v is a leaf, a number or the result of an instruction.
  assemble(tape, needed, instead) {
    this.codes = [];
    this.operands = []; // [a, b, c] or a list for what takes any number
    this.made = []; // the value that each instruction makes
    this.numberOf = new Map(); // the text of a number → its value
    this.numbers = [];
    this.count = this.leaves;
    const valueOf = new Int32Array(this.leaves + tape.operations.length).fill(-1);
    for (let leaf = 0; leaf < this.leaves; leaf += 1) valueOf[leaf] = leaf;
    const number = (x) => {
      const key = Object.is(x, -0) ? "-0" : String(x);
      if (!this.numberOf.has(key)) {
        this.numberOf.set(key, this.count);
        this.numbers.push([this.count, x]);
        this.count += 1;
      }
      return this.numberOf.get(key);
    };
    this.of = (_, place) => (place < 0 ? number(tape.numbers[-1 - place]) : valueOf[place]);
    const put = (name, operands) => {
      if (!(name in CODE)) throw new Error(name + " is no primitive of this page");
      this.codes.push(CODE[name]);
      this.operands.push(operands);
      this.made.push(this.count);
      this.count += 1;
      return this.count - 1;
    };
    const write = (tree, given) => {
      if (typeof tree === "number") return number(tree);
      if (typeof tree === "string") return given[Number(tree.slice(1))];
      return put(tree[0], tree[1] === "*" ? given : tree.slice(1).map((one) => write(one, given)));
    };
    for (let i = 0; i < tape.operations.length; i += 1) {
      const place = this.leaves + i;
      if (!needed[place]) continue;
      const other = instead && instead.get(place);
      const given = Array.from(this.argumentsOf(tape, place, instead), (a) => this.of(tape, a));
      valueOf[place] = write(other ? other[0] : tape.rows[tape.operations[i]][1], given);
    }
  }

  // Where the values lie: a column of one block each. What is not needed any more gives its column back, unless `keep`.
  place(results, keep) {
    const lastUse = new Int32Array(this.count).fill(-1);
    const batched = new Uint8Array(this.count);
    for (let leaf = 0; leaf < this.inputs; leaf += 1) batched[leaf] = 1;
    this.fuse(results);
    this.operands.forEach((operands, i) => {
      for (const a of operands) {
        lastUse[a] = i;
        if (batched[a]) batched[this.made[i]] = 1;
      }
    });
    for (const r of results) lastUse[r] = this.codes.length;
    this.slot = new Int32Array(this.count).fill(-1);
    const free = [];
    const fixed = (value) => { this.slot[value] = this.slots; this.slots += 1; };
    for (let leaf = 0; leaf < this.leaves; leaf += 1) fixed(leaf);
    for (const [value] of this.numbers) fixed(value);
    const shared = [], each = [];
    this.codes.forEach((_, i) => (batched[this.made[i]] ? each : shared).push(i));
    for (const i of shared) fixed(this.made[i]); // it stays for all blocks
    for (const i of each) {
      if (free.length) this.slot[this.made[i]] = free.pop();
      else fixed(this.made[i]);
      if (keep) continue;
      for (const a of new Set(this.operands[i])) {
        if (lastUse[a] === i && batched[a] && a >= this.leaves) free.push(this.slot[a]);
      }
      if (lastUse[this.made[i]] < 0) free.push(this.slot[this.made[i]]);
    }
    this.shared = this.pack(shared);
    this.each = this.pack(each);
    this.batched = batched;
    this.memory = new Float64Array(this.slots * this.block);
    for (const [value, x] of this.numbers) this.fill(this.slot[value], x);
  }

  // s + a·b where nothing else uses the product: one instruction in place of two, with the same two roundings.
  fuse(results) {
    const uses = new Int32Array(this.count), maker = new Int32Array(this.count).fill(-1);
    this.operands.forEach((operands, i) => { maker[this.made[i]] = i; for (const a of operands) uses[a] += 1; });
    for (const r of results) uses[r] += 2;
    const gone = new Set();
    this.codes.forEach((code, i) => {
      if (code !== CODE.add) return;
      for (const which of [1, 0]) {
        const product = maker[this.operands[i][which]];
        if (product >= 0 && this.codes[product] === CODE.multiply && uses[this.made[product]] === 1) {
          this.operands[i] = [this.operands[i][1 - which], ...this.operands[product]];
          this.codes[i] = CODE["multiply add"];
          gone.add(product);
          return;
        }
      }
    });
    const kept = (_, i) => !gone.has(i);
    this.codes = this.codes.filter(kept);
    this.operands = this.operands.filter(kept);
    this.made = this.made.filter(kept);
  }

  pack(instructions) {
    const lists = [];
    const packed = { codes: new Uint8Array(instructions.length), out: new Int32Array(instructions.length), lists };
    for (const name of ["a", "b", "c"]) packed[name] = new Int32Array(instructions.length);
    instructions.forEach((i, n) => {
      const operands = this.operands[i].map((a) => this.slot[a] * this.block);
      packed.codes[n] = this.codes[i];
      packed.out[n] = this.slot[this.made[i]] * this.block;
      if (this.codes[i] >= CODE.total && this.codes[i] <= CODE.pick) {
        packed.a[n] = lists.length;
        lists.push(Int32Array.from(operands));
      } else [packed.a[n], packed.b[n], packed.c[n]] = [operands[0], operands[1] ?? 0, operands[2] ?? 0];
    });
    return packed;
  }

  fill(slot, x) { this.memory.fill(x, slot * this.block, (slot + 1) * this.block); }

  // Take the parameters, and compute what depends on nothing else.
  setParameters(theta) {
    for (let k = 0; k < this.parameters; k += 1) this.fill(this.inputs + k, theta[k]);
    this.share(this.shared);
  }

  share(shared) {
    const { memory, block } = this;
    if (!shared.codes.length) return;
    run(memory, shared, 1);
    for (const at of shared.out) memory.fill(memory[at], at + 1, at + block);
  }

  // Compute the examples rows[start], …: X is (n, inputs) in one array. Returns how many there were.
  load(X, rows, start, end) {
    const { memory, block, inputs } = this, count = Math.min(block, end - start);
    for (let k = 0; k < count; k += 1) {
      const from = (rows ? rows[start + k] : start + k) * inputs;
      for (let i = 0; i < inputs; i += 1) memory[i * block + k] = X[from + i];
    }
    run(memory, this.each, count);
    return count;
  }

  // One example; the results.
  one(x, theta) {
    this.setParameters(theta);
    this.load(x, null, 0, 1);
    return this.results.map((slot) => this.memory[slot * this.block]);
  }

  // The means of the results over the examples `rows`, or over the first n; they are added up in their order.
  means(X, theta, rows, n, into) {
    const { memory, block, results } = this;
    this.setParameters(theta);
    into.fill(0);
    for (let start = 0; start < n; start += block) {
      const count = this.load(X, rows, start, n);
      for (let r = 0; r < results.length; r += 1) {
        let sum = 0;
        for (let at = results[r] * block, end = at + count; at < end; at += 1) sum += memory[at];
        into[r] += sum;
      }
    }
    for (let r = 0; r < results.length; r += 1) into[r] /= n;
    return into;
  }

  // What has to be computed again when one parameter changes; for a machine that keeps all columns.
  after(k) {
    if (this.changed?.k === k) return this.changed;
    const depends = new Uint8Array(this.count), shared = [], each = [];
    depends[this.inputs + k] = 1;
    this.operands.forEach((operands, i) => {
      if (!operands.some((a) => depends[a])) return;
      depends[this.made[i]] = 1;
      (this.batched[this.made[i]] ? each : shared).push(i);
    });
    this.changed = { k, shared: this.pack(shared), each: this.pack(each) };
    return this.changed;
  }

  // The mean of the first result for each of these numbers in place of parameter k, as means() gives it.
  meansOver(k, numbers, X, theta, rows, n) {
    const { memory, block } = this, { shared, each } = this.after(k), sums = new Float64Array(numbers.length);
    this.setParameters(theta);
    for (let start = 0; start < n; start += block) {
      const count = this.load(X, rows, start, n);
      numbers.forEach((x, i) => {
        this.fill(this.inputs + k, x);
        this.share(shared);
        run(memory, each, count);
        let sum = 0;
        for (let at = this.results[0] * block, end = at + count; at < end; at += 1) sum += memory[at];
        sums[i] += sum;
      });
    }
    return Array.from(sums, (sum) => sum / n);
  }

  // Every result of every example: into[r * n + k].
  table(X, theta, rows, n, into) {
    const { memory, block, results } = this;
    this.setParameters(theta);
    for (let start = 0; start < n; start += block) {
      const count = this.load(X, rows, start, n);
      for (let r = 0; r < results.length; r += 1) {
        const at = results[r] * block;
        for (let k = 0; k < count; k += 1) into[r * n + start + k] = memory[at + k];
      }
    }
    return into;
  }
}

function run(v, program, n) {
  const { codes, out, a: A, b: B, c: C, lists } = program;
  for (let i = 0; i < codes.length; i += 1) {
    const code = codes[i], o = out[i], a = A[i], b = B[i], c = C[i];
    switch (code) {
      case 0: for (let k = 0; k < n; k += 1) v[o + k] = v[a + k] + v[b + k]; break;
      case 1: for (let k = 0; k < n; k += 1) v[o + k] = v[a + k] - v[b + k]; break;
      case 2: for (let k = 0; k < n; k += 1) v[o + k] = v[a + k] * v[b + k]; break;
      case 3: for (let k = 0; k < n; k += 1) v[o + k] = v[a + k] / v[b + k]; break;
      case 4: for (let k = 0; k < n; k += 1) { const x = v[a + k], y = v[b + k]; v[o + k] = x >= y || x !== x ? x : y; } break;
      case 5: for (let k = 0; k < n; k += 1) { const x = v[a + k], y = v[b + k]; v[o + k] = x <= y || x !== x ? x : y; } break;
      case 6: for (let k = 0; k < n; k += 1) v[o + k] = -v[a + k]; break;
      case 7: for (let k = 0; k < n; k += 1) v[o + k] = Math.tanh(v[a + k]); break;
      case 8: for (let k = 0; k < n; k += 1) v[o + k] = Math.exp(v[a + k]); break;
      case 9: for (let k = 0; k < n; k += 1) v[o + k] = v[a + k] !== 0 ? v[b + k] : v[c + k]; break;
      case 10: for (let k = 0; k < n; k += 1) v[o + k] = v[a + k] > v[b + k] ? 1 : 0; break;
      case 11: for (let k = 0; k < n; k += 1) { const x = v[a + k]; v[o + k] = x > 0 ? 1 : x < 0 ? -1 : x; } break;
      case 12: for (let k = 0; k < n; k += 1) v[o + k] = logaddexp(v[a + k], v[b + k]); break;
      case 13: for (let k = 0; k < n; k += 1) v[o + k] = power(v[a + k], v[b + k]); break;
      case 43: for (let k = 0; k < n; k += 1) v[o + k] = floor_divide(v[a + k], v[b + k]); break;
      case 44: for (let k = 0; k < n; k += 1) v[o + k] = mod(v[a + k], v[b + k]); break;
      case 45: for (let k = 0; k < n; k += 1) v[o + k] = Math.atan2(v[a + k], v[b + k]); break;
      case 46: for (let k = 0; k < n; k += 1) v[o + k] = hypot(v[a + k], v[b + k]); break;
      case 47: case 48: case 49: case 50: ofMany(v, code, o, lists[a], n); break;
      case 51: for (let k = 0; k < n; k += 1) v[o + k] = v[a + k] + v[b + k] * v[c + k]; break;
      default: { const f = UNARY[code]; for (let k = 0; k < n; k += 1) v[o + k] = f(v[a + k]); }
    }
  }
}

function ofMany(v, code, o, list, n) {
  const count = list.length, terms = code === 49 ? new Float64Array(count) : null;
  for (let k = 0; k < n; k += 1) {
    let result = 0;
    if (code === 47) for (let i = 0; i < count; i += 1) result += v[list[i] + k];
    else if (code === 48) for (let i = 0, half = count / 2; i < half; i += 1) result += v[list[i] + k] * v[list[half + i] + k];
    else if (code === 49) {
      for (let i = 0; i < count; i += 1) terms[i] = v[list[i] + k];
      result = logsumexp(terms);
    } else {
      const index = v[list[count - 1] + k];
      result = Number.isInteger(index) && index >= 0 && index < count - 1 ? v[list[index] + k] : NaN;
    }
    v[o + k] = result;
  }
}
