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

// out = W @ H, whose columns are the examples, or all examples at all positions; H has `rows` rows of n numbers, and
// further columns of W meet rows of ones.
function matmul(out, W, w, H, h, lefts, width, rows, n) {
  for (let i = 0; i < lefts; i += 1) {
    const at = i * n, row = w + i * width;
    let ones = 0;
    for (let j = rows; j < width; j += 1) ones += W[row + j];
    if (n === 1) {
      for (let j = 0; j < rows; j += 1) ones += W[row + j] * H[h + j];
      out[at] = ones;
      continue;
    }
    for (let k = 0; k < n; k += 1) out[at + k] = ones;
    add_rows(out, at, W, row, 1, H, h, rows, n);
  }
}

// To a row of out, add `count` rows of H, each times a number of W. Four at once take half the time.
function add_rows(out, at, W, w, step, H, h, count, n) {
  let j = 0;
  for (; j + 3 < count; j += 4) {
    const from = w + j * step, a = W[from], b = W[from + step], c = W[from + 2 * step], d = W[from + 3 * step];
    const A = h + j * n, B = A + n, C = B + n, D = C + n;
    for (let k = 0; k < n; k += 1) out[at + k] += a * H[A + k] + b * H[B + k] + c * H[C + k] + d * H[D + k];
  }
  for (; j < count; j += 1) {
    const a = W[w + j * step], A = h + j * n;
    for (let k = 0; k < n; k += 1) out[at + k] += a * H[A + k];
  }
}

// dW = G @ H.T
function outer(out, G, g, H, h, lefts, width, rows, n) {
  for (let i = 0; i < lefts; i += 1) {
    const at = i * width, from = g + i * n;
    let j = 0;
    for (; j + 3 < rows; j += 4) {
      const A = h + j * n, B = A + n, C = B + n, D = C + n;
      let a = 0, b = 0, c = 0, d = 0;
      for (let k = 0; k < n; k += 1) {
        const x = G[from + k];
        a += x * H[A + k];
        b += x * H[B + k];
        c += x * H[C + k];
        d += x * H[D + k];
      }
      [out[at + j], out[at + j + 1], out[at + j + 2], out[at + j + 3]] = [a, b, c, d];
    }
    for (; j < width; j += 1) {
      let sum = 0;
      for (let k = 0; k < n; k += 1) sum += j < rows ? G[from + k] * H[h + j * n + k] : G[from + k];
      out[at + j] = sum;
    }
  }
}

// dH = W.T @ G
function back(out, W, w, G, g, lefts, width, rows, n) {
  out.fill(0);
  for (let j = 0; j < rows; j += 1) add_rows(out, j * n, W, w + j, width, G, g, lefts, n);
}

// Products of matrices for each example, over up to four axes; a stride is 0 where an array has no such axis. A factor
// that is not there, which is 0, makes nothing of one that is infinite.
function einsum(out, A, a, hasA, B, b, hasB, sizes, strides, n) {
  const [outs, as, bs] = strides;
  out.fill(0);
  for (let g = 0; g < sizes[0]; g += 1) for (let i = 0; i < sizes[1]; i += 1) {
    for (let j = 0; j < sizes[2]; j += 1) for (let k = 0; k < sizes[3]; k += 1) {
      const laneA = g * as[0] + i * as[1] + j * as[2] + k * as[3], laneB = g * bs[0] + i * bs[1] + j * bs[2] + k * bs[3];
      if ((hasA && !hasA[laneA]) || (hasB && !hasB[laneB])) continue;
      const at = (g * outs[0] + i * outs[1] + j * outs[2] + k * outs[3]) * n, x = a + laneA * n, y = b + laneB * n;
      for (let e = 0; e < n; e += 1) out[at + e] += A[x + e] * B[y + e];
    }
  }
}

// Which of so many rows are there.
function there(count, rows) {
  const found = new Uint8Array(count);
  for (const row of rows) found[row] = 1;
  return found;
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
