/* Products of matrices and sums in vectors, by the extensions of GCC and Clang; what they compute stands in plain.c. */

#if defined(__AVX__)
#include <immintrin.h>
#endif
#if defined(__AVX512F__)
#define CR_WIDE 8
#define CR_TALL 8
#elif defined(__AVX__)
#define CR_WIDE 4
#define CR_TALL 4
#else
#define CR_WIDE 2
#define CR_TALL 4
#endif
#define CR_KERNEL static __attribute__((noinline))
typedef double cr_vector __attribute__((vector_size(8 * CR_WIDE), aligned(8), may_alias));
#define CR_AT(place) (*(cr_vector *)(place))
#define CR_READ(place) (*(const cr_vector *)(place))

/* Rows i to i + R - 1 of C, in S vectors from column j on. */
#define CR_TILE(R, S) { cr_vector sum[R][S]; \
  for (int p = 0; p < R; p++) { const double start = bias ? bias[(i + p) * a0] : 0.0; for (int q = 0; q < S; q++) \
    if (more) sum[p][q] = CR_READ(C + (i + p) * c0 + j + q * CR_WIDE); else sum[p][q] = (cr_vector){0} + start; } \
  for (long k = 0; k < width; k++) { cr_vector b[S]; \
    for (int q = 0; q < S; q++) b[q] = CR_READ(B + k * b0 + j + q * CR_WIDE); \
    for (int p = 0; p < R; p++) { const double a = A[(i + p) * a0 + k * a1]; \
      for (int q = 0; q < S; q++) sum[p][q] += a * b[q]; } } \
  for (int p = 0; p < R; p++) for (int q = 0; q < S; q++) CR_AT(C + (i + p) * c0 + j + q * CR_WIDE) = sum[p][q]; }

CR_KERNEL void cr_rows(long lefts, long wide, long width, const double *A, long a0, long a1, const double *bias,
                       const double *B, long b0, double *C, long c0, int more) {
  long j = 0;
  for (; j + 2 * CR_WIDE <= wide; j += 2 * CR_WIDE) {
    long i = 0;
    for (; i + CR_TALL <= lefts; i += CR_TALL) CR_TILE(CR_TALL, 2)
    for (; i + 2 <= lefts; i += 2) CR_TILE(2, 2)
    for (; i < lefts; i++) CR_TILE(1, 2)
  }
  for (; j + CR_WIDE <= wide; j += CR_WIDE) {
    long i = 0;
    for (; i + CR_TALL <= lefts; i += CR_TALL) CR_TILE(CR_TALL, 1)
    for (; i < lefts; i++) CR_TILE(1, 1)
  }
  for (; j < wide; j++) for (long i = 0; i < lefts; i++) {
    double sum = more ? C[i * c0 + j] : bias ? bias[i * a0] : 0.0;
    for (long k = 0; k < width; k++) sum += A[i * a0 + k * a1] * B[k * b0 + j];
    C[i * c0 + j] = sum;
  }
}

#if CR_WIDE > 2 && defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define CR_SHUFFLES
#endif
#endif
#ifdef CR_SHUFFLES
typedef double cr_four __attribute__((vector_size(32), aligned(8), may_alias));
#define CR_MIX __builtin_shufflevector
#if CR_WIDE == 8
static inline cr_four cr_halves(cr_vector v) { return CR_MIX(v, v, 0, 1, 2, 3) + CR_MIX(v, v, 4, 5, 6, 7); }
#else
static inline cr_four cr_halves(cr_vector v) { return v; }
#endif
static inline double cr_across(cr_vector v) {
  const cr_four h = cr_halves(v);
  return (h[0] + h[2]) + (h[1] + h[3]);
}
/* The sums of four vectors. */
static inline cr_four cr_four_across(cr_vector a, cr_vector b, cr_vector c, cr_vector d) {
  const cr_four p = cr_halves(a), q = cr_halves(b), r = cr_halves(c), s = cr_halves(d);
  const cr_four x = CR_MIX(p, q, 0, 4, 2, 6) + CR_MIX(p, q, 1, 5, 3, 7);
  const cr_four y = CR_MIX(r, s, 0, 4, 2, 6) + CR_MIX(r, s, 1, 5, 3, 7);
  return CR_MIX(x, y, 0, 1, 4, 5) + CR_MIX(x, y, 2, 3, 6, 7);
}
#else
static inline double cr_across(cr_vector v) {
  double sum = 0.0;
  for (int q = 0; q < CR_WIDE; q += 2) sum += v[q] + v[q + 1];
  return sum;
}
typedef struct { double of[4]; } cr_sums;
static inline cr_sums cr_four_across(cr_vector a, cr_vector b, cr_vector c, cr_vector d) {
  return (cr_sums){{cr_across(a), cr_across(b), cr_across(c), cr_across(d)}};
}
#endif

/* The first `count` numbers at a place, and zeros; there are fewer than a vector has. */
static inline cr_vector cr_first(const double *place, long count) {
#if CR_WIDE == 8
  return (cr_vector)_mm512_maskz_loadu_pd((__mmask8)((1 << count) - 1), place);
#elif CR_WIDE == 4
  return (cr_vector)_mm256_maskload_pd(place, _mm256_set_epi64x(0, -(count > 2), -(count > 1), -(count > 0)));
#else
  return (cr_vector){count > 0 ? place[0] : 0.0, 0.0};
#endif
}

#define CR_READ_REST(place) cr_first(place, width - k)

/* Rows i to i + R - 1 and columns j to j + S - 1 of C. A compiler would read b again for each row of A, as a part of the
   multiplication, and reading takes longer than multiplying: so behind CR_READ_ONCE nothing counts as known. */
#define CR_READ_ONCE __asm__ volatile("" ::: "memory");
#define CR_MORE_SUMS(R, S, READ) { cr_vector a[R], b[S]; \
  for (int q = 0; q < S; q++) b[q] = READ(B + (j + q) * b0 + k); \
  for (int p = 0; p < R; p++) a[p] = READ(A + (i + p) * a0 + k); \
  CR_READ_ONCE \
  for (int p = 0; p < R; p++) for (int q = 0; q < S; q++) sum[p][q] += a[p] * b[q]; }
#define CR_SUMS(R, S) cr_vector sum[R][S]; long k = 0; \
  for (int p = 0; p < R; p++) for (int q = 0; q < S; q++) sum[p][q] = (cr_vector){0}; \
  for (; k + CR_WIDE <= width; k += CR_WIDE) CR_MORE_SUMS(R, S, CR_READ) \
  if (k < width) CR_MORE_SUMS(R, S, CR_READ_REST)
#ifdef CR_SHUFFLES
#define CR_FOUR cr_four
#define CR_ADD_FOUR(c, v, start) { cr_four *to = (cr_four *)(c); if (more) *to += v; else *to = v + start; }
#else
#define CR_FOUR cr_sums
#define CR_ADD_FOUR(c, v, start) for (int q = 0; q < 4; q++) (c)[q] = (more ? (c)[q] : start) + v.of[q];
#endif
#define CR_DOTS_4(R) { CR_SUMS(R, 4) for (int p = 0; p < R; p++) { double *c = C + (i + p) * c0 + j; \
  const CR_FOUR v = cr_four_across(sum[p][0], sum[p][1], sum[p][2], sum[p][3]); \
  CR_ADD_FOUR(c, v, (bias ? bias[(i + p) * a0] : 0.0)) } }
#define CR_DOTS_1(R) { CR_SUMS(R, 1) for (int p = 0; p < R; p++) { double *c = C + (i + p) * c0 + j; \
  *c = cr_across(sum[p][0]) + (more ? *c : bias ? bias[(i + p) * a0] : 0.0); } }

CR_KERNEL void cr_dots(long lefts, long wide, long width, const double *A, long a0, const double *bias, const double *B,
                       long b0, double *C, long c0, int more) {
  long i = 0;
  for (; i + CR_TALL / 2 <= lefts; i += CR_TALL / 2) {
    long j = 0;
    for (; j + 4 <= wide; j += 4) CR_DOTS_4(CR_TALL / 2)
    for (; j < wide; j++) CR_DOTS_1(CR_TALL / 2)
  }
  for (; i < lefts; i++) {
    long j = 0;
    for (; j + 4 <= wide; j += 4) CR_DOTS_4(1)
    for (; j < wide; j++) CR_DOTS_1(1)
  }
}

#define CR_ROW_SUMS(R) { cr_vector sum[R]; long k = 0; \
  for (int p = 0; p < R; p++) sum[p] = (cr_vector){0}; \
  for (; k + CR_WIDE <= width; k += CR_WIDE) for (int p = 0; p < R; p++) sum[p] += CR_READ(A + (i + p) * a0 + k); \
  if (k < width) for (int p = 0; p < R; p++) sum[p] += CR_READ_REST(A + (i + p) * a0 + k); \
  for (int p = 0; p < R; p++) { double *c = C + (i + p) * c0; *c = cr_across(sum[p]) + (more ? *c : 0.0); } }

CR_KERNEL void cr_row_sums(long rows, long width, const double *A, long a0, double *C, long c0, int more) {
  long i = 0;
  for (; i + 4 <= rows; i += 4) CR_ROW_SUMS(4)
  for (; i < rows; i++) CR_ROW_SUMS(1)
}

CR_KERNEL double cr_sum(long n, const double *a, long step) {
  cr_vector sum = {0};
  double rest = 0.0;
  long i = 0;
  if (step == 1) for (; i + CR_WIDE <= n; i += CR_WIDE) sum += CR_READ(a + i);
  for (; i < n; i++) rest += a[i * step];
  return rest + cr_across(sum);
}

CR_KERNEL double cr_inner(long n, const double *a, long step, const double *b, long other) {
  cr_vector sum[4] = {{0}, {0}, {0}, {0}};
  double rest = 0.0;
  long i = 0;
  if (step == 1 && other == 1) for (; i + 4 * CR_WIDE <= n; i += 4 * CR_WIDE)
    for (int q = 0; q < 4; q++) sum[q] += CR_READ(a + i + q * CR_WIDE) * CR_READ(b + i + q * CR_WIDE);
  for (; i < n; i++) rest += a[i * step] * b[i * other];
  return rest + cr_across((sum[0] + sum[1]) + (sum[2] + sum[3]));
}
