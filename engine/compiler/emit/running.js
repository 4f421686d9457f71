// What a program in a file needs while it runs. An array lies row by row: row i, of n examples, begins at i * n. What is
// the same for all examples has one column. Each piece between empty lines defines a name; a file holds those it uses.

// The inputs of one call as flat arrays, and the number of examples; a number belongs to every example.
function inputs(wanted, batch, given) {
  let n = null;
  const arrays = given.map((one, i) => {
    const { name, shape, whole } = wanted[i], lanes = shape.reduce((a, b) => a * b, 1);
    if (one === undefined) throw new TypeError(`${name} is missing: write ${wanted.map((each) => each.name).join(", ")}`);
    for (const row of batch && Array.isArray(one) ? one : []) {
      const count = typeof row === "object" ? numbers(row, name, whole).length : lanes;
      if (count !== lanes) throw new RangeError(`one example of ${name} has ${count} numbers; this program takes ${lanes}`);
    }
    const made = numbers(one, name, whole);
    if (batch && typeof one !== "object" && !shape.length) return made;
    const count = lanes ? made.length / lanes : 1;
    if (!Number.isInteger(count) || (!batch && count !== 1)) {
      throw new RangeError(`${name} holds ${made.length} numbers; one example has ${lanes}`);
    }
    if (count === 0) throw new RangeError("the batch is empty: the inputs have 0 examples, and at least 1 is needed");
    if (n !== null && count !== n) throw new RangeError(`the inputs have ${n} and ${count} examples; all need the same number`);
    n = count;
    return made;
  });
  n ??= 1;
  return { n, arrays: arrays.map((one) => (one.length === 1 && n > 1 ? new Float64Array(n).fill(one[0]) : one)) };
}

// Numbers in a list, in lists of lists or in a typed array, or one number, as a Float64Array.
function numbers(given, name, whole) {
  if (given instanceof Float64Array && !whole) return given;
  const flat = (one) => (Array.isArray(one) ? one.flatMap(flat) : ArrayBuffer.isView(one) ? Array.from(one) : [one]);
  const list = ArrayBuffer.isView(given) ? given : flat(given);
  for (const one of list) {
    if (!["number", "boolean", "bigint"].includes(typeof one)) throw new TypeError(`${name} needs numbers; got ${typeof one} ${one}`);
    if (whole && !Number.isInteger(Number(one))) throw new TypeError(`${name} holds ${one}; this program takes whole numbers there`);
  }
  return Float64Array.from(list, Number);
}

function parameters(given, count) {
  const made = numbers(given, "theta", false);
  if (made.length !== count) throw new RangeError(`theta has ${made.length} numbers; it needs ${count}, one for each parameter`);
  return made;
}

// A function with its arrays, for the number of examples of the last call.
function kept(bind) {
  let size = 0, run = null;
  return (n) => {
    if (n !== size) [size, run] = [n, bind(n)];
    return run;
  };
}

// out = W @ H for each of the `rights` right sides, which have `rows` rows; further columns of W meet rows of ones.
function matmul(out, W, w, H, h, rights, lefts, width, rows, n) {
  for (let r = 0; r < rights; r += 1) for (let i = 0; i < lefts; i += 1) {
    const at = (r * lefts + i) * n, row = w + i * width, start = h + r * rows * n;
    let ones = 0;
    for (let j = rows; j < width; j += 1) ones += W[row + j];
    if (n === 1) {
      for (let j = 0; j < rows; j += 1) ones += W[row + j] * H[start + j];
      out[at] = ones;
      continue;
    }
    for (let k = 0; k < n; k += 1) out[at + k] = ones;
    for (let j = 0; j < rows; j += 1) {
      const a = W[row + j], from = start + j * n;
      for (let k = 0; k < n; k += 1) out[at + k] += a * H[from + k];
    }
  }
}

// dW = G @ H.T, over all right sides
function outer(out, G, g, H, h, rights, lefts, width, rows, n) {
  for (let i = 0; i < lefts; i += 1) for (let j = 0; j < width; j += 1) {
    let sum = 0;
    for (let r = 0; r < rights; r += 1) {
      const a = g + (r * lefts + i) * n, b = h + (r * rows + j) * n;
      if (j < rows) for (let k = 0; k < n; k += 1) sum += G[a + k] * H[b + k];
      else for (let k = 0; k < n; k += 1) sum += G[a + k];
    }
    out[i * width + j] = sum;
  }
}

// dH = W.T @ G for each right side
function back(out, W, w, G, g, rights, lefts, width, rows, n) {
  out.fill(0);
  for (let r = 0; r < rights; r += 1) for (let i = 0; i < lefts; i += 1) {
    const from = g + (r * lefts + i) * n, row = w + i * width;
    for (let j = 0; j < rows; j += 1) {
      const a = W[row + j], at = (r * rows + j) * n;
      for (let k = 0; k < n; k += 1) out[at + k] += a * G[from + k];
    }
  }
}

// The right side of a product, with 0 for the examples whose gradient is 0.
function masked(out, G, g, count, H, h, width, rows, n) {
  for (let k = 0; k < n; k += 1) {
    let any = false;
    for (let i = 0; i < count; i += 1) any ||= G[g + i * n + k] !== 0;
    for (let j = 0; j < width; j += 1) out[j * n + k] = any ? (j < rows ? H[h + j * n + k] : 1) : 0;
  }
}

// The sums of so many rows each, the first of which begins at x; the next one is `step` rows further.
function sums(out, X, x, step, sizes, n) {
  for (let i = 0, from = x; i < sizes.length; i += 1) for (let j = 0; j < sizes[i]; j += 1, from += step * n) {
    for (let k = 0; k < n; k += 1) out[i * n + k] = (j ? out[i * n + k] : 0) + X[from + k];
  }
}

function largest(out, X, x, step, sizes, n) {
  for (let i = 0, from = x; i < sizes.length; i += 1) for (let j = 0; j < sizes[i]; j += 1, from += step * n) {
    for (let k = 0; k < n; k += 1) out[i * n + k] = j ? Math.max(out[i * n + k], X[from + k]) : X[from + k];
  }
}

// The sum over the examples.
function examples(out, X, x, step, n) {
  for (let i = 0, from = x; i < out.length; i += 1, from += step * n) {
    let sum = 0;
    for (let k = 0; k < n; k += 1) sum += X[from + k];
    out[i] = sum;
  }
}

function inner(A, a, aStep, B, b, bStep, count) {
  let sum = 0;
  for (let i = 0; i < count; i += 1) sum += A[a + i * aStep] * B[b + i * bStep];
  return sum;
}

// Some numbers of each example, which the caller gave example by example, as rows.
function turned(out, given, lanes, used, n) {
  for (let i = 0; i < used.length; i += 1) for (let k = 0; k < n; k += 1) out[i * n + k] = given[k * lanes + used[i]];
}

function take(out, X, rows, n) {
  for (let i = 0; i < rows.length; i += 1) for (let k = 0; k < n; k += 1) out[i * n + k] = X[rows[i] * n + k];
}

// Put, or add, rows to places; a part that has one column, or one row, is repeated.
function place(out, places, n, X, x, step, columns, add) {
  for (let i = 0; i < places.length; i += 1) for (let k = 0; k < n; k += 1) {
    const at = places[i] * n + k, one = X[x + i * step * columns + (columns === n ? k : 0)];
    out[at] = add ? out[at] + one : one;
  }
}

function checked(index, count, n) {
  for (let i = 0; i < index.length; i += 1) if (!(Number.isInteger(index[i]) && index[i] >= 0 && index[i] < count)) {
    const problem = index[i] % 1 === 0 ? "is out of range" : "is not a whole number";
    const has = count > 1 ? `${count} values (indices 0 to ${count - 1})` : "1 value (index 0)";
    throw new RangeError(`index ${index[i]} ${problem}: pick has ${has}${n > 1 ? `, in example ${i % n}` : ""}`);
  }
}

function picked_one(choices, index) {
  checked([index], choices.length, 1);
  return choices[index];
}

// The rows in which what is picked stands.
function chosen(out, index, x, step, columns, rows, width, n) {
  const lanes = out.length / n;
  for (let i = 0; i < lanes; i += 1) for (let k = 0; k < n; k += 1) {
    out[i * n + k] = rows[i * width + index[x + i * step * columns + (columns === n ? k : 0)]];
  }
}

function picked(out, X, x, columns, rows, n) {
  for (let i = 0; i < out.length; i += 1) out[i] = X[x + rows[i] * columns + (columns === n ? i % n : 0)];
}

function put(out, columns, G, g, each, rows, n) {
  out.fill(0);
  for (let i = 0; i < rows.length; i += 1) out[rows[i] * columns + (columns === n ? i % n : 0)] += G[g + i * each];
}

// 1 / n in the row of the label, and NaN everywhere if there is no such row.
function hot(out, given, width, n) {
  for (let k = 0; k < n; k += 1) for (let i = 0; i < out.length / n; i += 1) {
    const there = Number.isInteger(given[k]) && given[k] >= 0 && given[k] < width;
    out[i * n + k] = !there ? NaN : i === width ? -1 / n : i === given[k] ? 1 / n : 0;
  }
}

function range(first, step, count) {
  return Int32Array.from({ length: count }, (_, i) => first + step * i);
}

function mean(X, x, n) {
  let sum = 0;
  for (let k = 0; k < n; k += 1) sum += X[x + k];
  return sum / n;
}

// Rows as columns: the numbers of one example after those of the other. A row is an array, its start and 1, or 0 for a
// number that is the same for all examples.
function table(n, rows) {
  const out = new Float64Array(n * rows.length);
  rows.forEach(([X, x, step], i) => { for (let k = 0; k < n; k += 1) out[k * rows.length + i] = X[x + k * step]; });
  return out;
}

// The results of one example after those of the other.
function every(run, n) {
  const rows = [];
  for (let k = 0; k < n; k += 1) rows.push(...run(k));
  return Float64Array.from(rows);
}

// Some of the numbers in each of n rows.
function cut(rows, width, start, count, n) {
  return Float64Array.from({ length: n * count }, (_, i) => rows[Math.floor(i / count) * width + start + (i % count)]);
}

function means(run, n, count) {
  const sum = new Float64Array(count);
  for (let k = 0; k < n; k += 1) run(k).forEach((one, i) => { sum[i] += one; });
  return sum.map((one) => one / n);
}

function still(gradient, places) {
  for (const place of places) gradient[place] = 0;
  return gradient;
}
