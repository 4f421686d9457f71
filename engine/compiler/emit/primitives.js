// The primitives that the rows of the table are made of, for programs in files and for the live page. Each piece between
// empty lines defines names; a saved program holds the pieces that it uses.

const positive = (a) => a;

const absolute = Math.abs;

const sign = Math.sign;

const floor = Math.floor;

const ceil = Math.ceil;

const trunc = Math.trunc;

function rint(a) { // to the even one of two whole numbers that are equally near
  const low = Math.floor(a), rest = a - low;
  return rest < 0.5 ? low : rest > 0.5 ? low + 1 : rest === 0.5 ? (low % 2 === 0 ? low : low + 1) : a;
}

const exp = Math.exp;

const expm1 = Math.expm1;

const exp2 = (a) => Math.pow(2, a);

const log = Math.log;

const log1p = Math.log1p;

const log2 = Math.log2;

const log10 = Math.log10;

const sqrt = Math.sqrt;

const cbrt = Math.cbrt;

const sin = Math.sin;

const cos = Math.cos;

const tan = Math.tan;

const arcsin = Math.asin;

const arccos = Math.acos;

const arctan = Math.atan;

const sinh = Math.sinh;

const cosh = Math.cosh;

const tanh = Math.tanh;

const arcsinh = Math.asinh;

const arccosh = Math.acosh;

const arctanh = Math.atanh;

const deg2rad = (a) => a * (Math.PI / 180);

const rad2deg = (a) => a * (180 / Math.PI);

const square = (a) => a * a;

const maximum = Math.max;

const minimum = Math.min;

const arctan2 = Math.atan2;

function hypot(a, b) { // Math.hypot rounds twice where one side is far larger
  return b === 0 ? Math.abs(a) : a === 0 ? Math.abs(b) : Math.hypot(a, b);
}

function power(a, b) { // as in C, where 1 to any power is 1
  return b === 2 ? a * a : a === 1 || b === 0 ? 1 : Math.abs(a) === 1 && Math.abs(b) === Infinity ? 1 : Math.pow(a, b);
}

function mod(a, b) { // the sign is that of b, as in Python
  const rest = a % b;
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
}

function floor_divide(a, b) {
  return b === 0 ? a / b : Math.floor((a - mod(a, b)) / b + 0.5);
}

function logaddexp(a, b) {
  if (a === b) return a + Math.LN2;
  const high = a > b ? a : b;
  return a === a && b === b ? high + Math.log1p(Math.exp(-Math.abs(a - b))) : NaN;
}

function logsumexp(terms) {
  let high = -Infinity, sum = 0;
  for (let i = 0; i < terms.length; i += 1) high = Math.max(high, terms[i]);
  if (!Number.isFinite(high)) return high;
  for (let i = 0; i < terms.length; i += 1) sum += Math.exp(terms[i] - high);
  return high + Math.log(sum);
}

const polynomial = (x, coefficients) => coefficients.reduceRight((sum, c) => sum * x + c, 0);

// The error function, after FreeBSD's s_erf.c (Sun Microsystems, 1993): rational approximations on four intervals.
const ERF = {
  pp: [1.28379167095512558561e-1, -3.25042107247001499370e-1, -2.84817495755985104766e-2, -5.77027029648944159157e-3,
    -2.37630166566501626084e-5],
  qq: [1, 3.97917223959155352819e-1, 6.50222499887672944485e-2, 5.08130628187576562776e-3, 1.32494738004321644526e-4,
    -3.96022827877536812320e-6],
  pa: [-2.36211856075265944077e-3, 4.14856118683748331666e-1, -3.72207876035701323847e-1, 3.18346619901161753674e-1,
    -1.10894694282396677476e-1, 3.54783043256182359371e-2, -2.16637559486879084300e-3],
  qa: [1, 1.06420880400844228286e-1, 5.40397917702171048937e-1, 7.18286544141962662868e-2, 1.26171219808761642112e-1,
    1.36370839120290507362e-2, 1.19844998467991074170e-2],
  ra: [-9.86494403484714822705e-3, -6.93858572707181764372e-1, -1.05586262253232909814e1, -6.23753324503260060396e1,
    -1.62396669462573470355e2, -1.84605092906711035994e2, -8.12874355063065934246e1, -9.81432934416914548592],
  sa: [1, 1.96512716674392571292e1, 1.37657754143519042600e2, 4.34565877475229228821e2, 6.45387271733267880336e2,
    4.29008140027567833386e2, 1.08635005541779435134e2, 6.57024977031928170135, -6.04244152148580987438e-2],
  rb: [-9.86494292470009928597e-3, -7.99283237680523006574e-1, -1.77579549177547519889e1, -1.60636384855821916062e2,
    -6.37566443368389627722e2, -1.02509513161107724954e3, -4.83519191608651397019e2],
  sb: [1, 3.03380607434824582924e1, 3.25792512996573918826e2, 1.53672958608443695994e3, 3.19985821950859553908e3,
    2.55305040643316442583e3, 4.74528541206955367215e2, -2.24409524465858183362e1],
};

function erfTail(x) { // erfc(x) for x ≥ 1.25
  const s = 1 / (x * x), [r, q] = x < 1 / 0.35 ? [ERF.ra, ERF.sa] : [ERF.rb, ERF.sb];
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, x);
  bits.setUint32(4, 0); // the low half is cut off, so that the square of z is exact
  const z = bits.getFloat64(0);
  return (Math.exp(-z * z - 0.5625) * Math.exp((z - x) * (z + x) + polynomial(s, r) / polynomial(s, q))) / x;
}

function erf(x) {
  const size = Math.abs(x), side = x < 0 ? -1 : 1;
  if (size !== size) return NaN;
  if (size < 0.84375) return size < 1e-300 ? x * 1.12837916709551256 : x + x * (polynomial(x * x, ERF.pp) / polynomial(x * x, ERF.qq));
  if (size < 1.25) return side * (8.45062911510467529297e-1 + polynomial(size - 1, ERF.pa) / polynomial(size - 1, ERF.qa));
  return size >= 6 ? side : side * (1 - erfTail(size));
}

function erfc(x) {
  const size = Math.abs(x);
  if (size !== size) return NaN;
  if (size < 0.84375) {
    const y = polynomial(x * x, ERF.pp) / polynomial(x * x, ERF.qq);
    return x < 0.25 ? 1 - (x + x * y) : 0.5 - (x - 0.5 + x * y);
  }
  if (size < 1.25) {
    const q = polynomial(size - 1, ERF.pa) / polynomial(size - 1, ERF.qa);
    return x >= 0 ? 1 - 8.45062911510467529297e-1 - q : 1 + (8.45062911510467529297e-1 + q);
  }
  if (size >= 28) return x > 0 ? 0 : 2;
  return x > 0 ? erfTail(size) : 2 - erfTail(size);
}
