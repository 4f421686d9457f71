/* Functions of one number for compiled programs: branch-free, so that a loop over them runs in vectors. The largest
   errors, in units of the last place, stand beside each; tests/engine/compiler/test_c_functions.py measures them. */

typedef union { double number; uint64_t bits; } cr_word;

static inline double cr_maximum(double a, double b) {
  double most = a > b ? a : b;
  return a != a ? a : most;
}

static inline double cr_minimum(double a, double b) {
  double least = a < b ? a : b;
  return a != a ? a : least;
}

static inline double cr_sign(double a) { return a > 0.0 ? 1.0 : a < 0.0 ? -1.0 : a; }

static inline double cr_square(double a) { return a * a; }

/* The square root as pow(a, 0.5) has it. */
static inline double cr_root(double a) { return a == -INFINITY ? INFINITY : sqrt(a) + 0.0; }

/* a to the power of -0.5, 1.5 and -1.5. */
static inline double cr_inverse_root(double a) { return 1.0 / cr_root(a); }

static inline double cr_power_1_5(double a) { return fabs(a) * cr_root(a); }

static inline double cr_power_minus_1_5(double a) { return cr_power_1_5(1.0 / a); }

static inline double cr_cube(double a) { return a * a * a; }

/* The remainder that has the sign of b, and the quotient that belongs to it. */
static double cr_mod(double a, double b) {
  double rest = fmod(a, b);
  if (b == 0.0 || rest != rest) return rest;
  if (rest == 0.0) return copysign(0.0, b);
  return (b < 0.0) != (rest < 0.0) ? rest + b : rest;
}

static double cr_floor_divide(double a, double b) {
  double rest, quotient, whole;
  if (b == 0.0) return a / b;
  rest = fmod(a, b);
  if (rest != rest) return rest;
  quotient = (a - rest) / b;
  if (rest != 0.0 && (b < 0.0) != (rest < 0.0)) quotient -= 1.0;
  if (quotient == 0.0) return copysign(0.0, a / b);
  whole = floor(quotient);
  return quotient - whole > 0.5 ? whole + 1.0 : whole;
}

/* 2 to the power of a whole number between -1022 and 1023. The sum with 1.5 * 2**52 has that number in its last bits. */
static inline double cr_two_to(double whole) {
  cr_word word;
  word.number = whole + 6755399441055744.0;
  word.bits = (word.bits + 1023) << 52;
  return word.number;
}

/* The next whole number, for |a| below 2**51. */
static inline double cr_nearest(double a) { return (a + 6755399441055744.0) - 6755399441055744.0; }

/* exp(r) - 1 for |r| <= log(2) / 2, but for the terms r and r * r / 2: a Taylor polynomial. */
static inline double cr_exp_rest(double r) {
  double p = 1.0 / 6227020800.0;
  p = p * r + 1.0 / 479001600.0;
  p = p * r + 1.0 / 39916800.0;
  p = p * r + 1.0 / 3628800.0;
  p = p * r + 1.0 / 362880.0;
  p = p * r + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  return p * (r * r * r);
}

/* x - k * log(2), where k is a whole number below 2**11: the first part of log(2) has so few digits that k times it is
   exact. */
static inline double cr_without(double x, double k) {
  return (x - k * 6.93147180369123816490e-01) - k * 1.90821492927058770002e-10;
}

/* Within 1 ulp; subnormal results within half of their last place more. */
static inline double cr_exp(double x) {
  double a = x > 710.0 ? 710.0 : x < -746.0 ? -746.0 : x;
  double k = cr_nearest(a * 1.44269504088896338700), half = cr_nearest(k * 0.5);
  double r = cr_without(a, k);
  double p = 1.0 + (r + (0.5 * (r * r) + cr_exp_rest(r)));
  return p * cr_two_to(half) * cr_two_to(k - half);
}

/* Within 2 ulp for |x| < 41. */
static inline double cr_expm1_near(double x) {
  double k = cr_nearest(x * 1.44269504088896338700), scale = cr_two_to(k);
  double r = cr_without(x, k);
  return scale * (r + (0.5 * (r * r) + cr_exp_rest(r))) + (scale - 1.0);
}

/* Within 2 ulp. */
static inline double cr_expm1(double x) {
  double near = cr_expm1_near(x > 40.0 ? 40.0 : x < -40.0 ? -40.0 : x), far = cr_exp(x);
  return x > 40.0 ? far : x == 0.0 ? x : near;
}

/* Within 3 ulp: (e - 1) / (e + 1), where e = exp(2 |x|) is s * exp(2 r), s is 2 to the power of k, and exp(2 r) the
   fraction (u + 2 r) / u, as in FreeBSD's e_exp.c (Sun Microsystems, 2004). The fractions are joined, so that one is
   left. The sum with 1.5 * 2**51 has k in its last bits, and is k / 2 larger than that. */
static inline double cr_tanh(double x) {
  double a = fabs(x), b = a > 20.0 ? 20.0 : a;
  double r, t, u, difference, p = 4.13813679705723846039e-08 * 512.0;
  cr_word s;
  s.number = b * 1.44269504088896338700 + 3377699720527872.0;
  r = cr_without(b, s.number - 3377699720527872.0);
  s.bits = (s.bits + 1023) << 52;
  t = r * r;
  p = p * t - 1.65339022054652515390e-06 * 128.0;
  p = p * t + 6.61375632143793436117e-05 * 32.0;
  p = p * t - 2.77777777770155933842e-03 * 8.0;
  p = p * t + 1.66666666666666019037e-01 * 2.0;
  u = (1.0 - r) + t * p;
  difference = (s.number + s.number) * r + (s.number - 1.0) * u;
  return copysign(difference / (difference + (u + u)), x);
}

/* log(1 + f) for 1 + f between the roots of 1/2 and of 2, plus k log(2); within 1 ulp. Coefficients: FreeBSD's e_log.c
   (Sun Microsystems, 1993). */
static inline double cr_log_near(double f, double k) {
  double s = f / (2.0 + f), z = s * s, w = z * z, half = 0.5 * f * f;
  double even = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
  double odd = z * (6.666666666666735130e-01 + w * (2.857142874366239149e-01
    + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));
  return k * 6.93147180369123816490e-01
    - ((half - (s * (half + (even + odd)) + k * 1.90821492927058770002e-10)) - f);
}

/* Within 1 ulp. */
static inline double cr_log(double x) {
  cr_word word, exponent, part;
  double k, found;
  int small = x < 2.2250738585072014e-308;
  word.number = small ? x * 18014398509481984.0 : x;
  word.bits += 0x3ff0000000000000u - 0x3fe6a09e667f3bcdu;
  exponent.bits = (word.bits >> 52) | 0x4330000000000000u;
  k = exponent.number - (4503599627370496.0 + 1023.0) - (small ? 54.0 : 0.0);
  part.bits = (word.bits & 0x000fffffffffffffu) + 0x3fe6a09e667f3bcdu;
  found = cr_log_near(part.number - 1.0, k);
  found = x < INFINITY ? found : x;
  return x > 0.0 ? found : x == 0.0 ? -INFINITY : x != x ? x : NAN;
}

/* Within 3 ulp: what 1 + x loses by rounding is put back as a factor. */
static inline double cr_log1p(double x) {
  double u = 1.0 + x, whole = cr_log(u), found = whole * (x / (u - 1.0));
  return u == 1.0 ? x : u < INFINITY && x > -1.0 ? found : whole;
}

/* log(exp(a) + exp(b)); within 4 ulp of the larger number, or of log(2). */
static inline double cr_logaddexp(double a, double b) {
  double distance = a == b ? 0.0 : -fabs(a - b);
  return cr_maximum(a, b) + cr_log1p(cr_exp(distance));
}

static inline double cr_deg2rad(double a) { return a * 0.017453292519943295; }

static inline double cr_rad2deg(double a) { return a * 57.29577951308232; }

static double cr_logsumexp(long n, const double *a) {
  double most = a[0], sum = 0.0;
  for (long i = 1; i < n; i++) most = cr_maximum(most, a[i]);
  most = cr_maximum(cr_minimum(most, 1.7976931348623157e308), -1.7976931348623157e308);
  for (long i = 0; i < n; i++) sum += cr_exp(a[i] - most);
  return most + cr_log(sum);
}

/* The choice that the index names; where there is none, `wrong` is set. */
static double cr_pick(long n, const double *a, double index, long *wrong) {
  if (index >= 0.0 && index < (double)n && index == floor(index)) return a[(long)index];
  *wrong = 1;
  return NAN;
}
