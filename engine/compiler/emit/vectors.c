/* Products of matrices and sums in vectors, by the extensions of GCC and Clang; what they compute stands in plain.c. */

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
  for (int p = 0; p < R; p++) for (int q = 0; q < S; q++) \
    sum[p][q] = more ? CR_READ(C + (i + p) * c0 + j + q * CR_WIDE) : (cr_vector){0}; \
  for (long k = 0; k < width; k++) { cr_vector b[S]; \
    for (int q = 0; q < S; q++) b[q] = CR_READ(B + k * b0 + j + q * CR_WIDE); \
    for (int p = 0; p < R; p++) { const double a = A[(i + p) * a0 + k * a1]; \
      for (int q = 0; q < S; q++) sum[p][q] += a * b[q]; } } \
  for (int p = 0; p < R; p++) for (int q = 0; q < S; q++) CR_AT(C + (i + p) * c0 + j + q * CR_WIDE) = sum[p][q]; }

CR_KERNEL void cr_rows(long lefts, long wide, long width, const double *A, long a0, long a1, const double *B, long b0,
                       double *C, long c0, int more) {
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
    double sum = more ? C[i * c0 + j] : 0.0;
    for (long k = 0; k < width; k++) sum += A[i * a0 + k * a1] * B[k * b0 + j];
    C[i * c0 + j] = sum;
  }
}

static inline double cr_across(cr_vector v) {
  double sum = 0.0;
  for (int q = 0; q < CR_WIDE; q += 2) sum += v[q] + v[q + 1];
  return sum;
}

/* Rows i to i + R - 1 and columns j to j + S - 1 of C. */
#define CR_DOTS(R, S) { cr_vector sum[R][S]; long k = 0; \
  for (int p = 0; p < R; p++) for (int q = 0; q < S; q++) sum[p][q] = (cr_vector){0}; \
  for (; k + CR_WIDE <= width; k += CR_WIDE) { cr_vector b[S]; \
    for (int q = 0; q < S; q++) b[q] = CR_READ(B + (j + q) * b0 + k); \
    for (int p = 0; p < R; p++) { const cr_vector a = CR_READ(A + (i + p) * a0 + k); \
      for (int q = 0; q < S; q++) sum[p][q] += a * b[q]; } } \
  for (int p = 0; p < R; p++) for (int q = 0; q < S; q++) { double *c = C + (i + p) * c0 + (j + q) * c1; \
    double all = cr_across(sum[p][q]); \
    for (long t = k; t < width; t++) all += A[(i + p) * a0 + t] * B[(j + q) * b0 + t]; \
    *c = more ? *c + all : all; } }

CR_KERNEL void cr_dots(long lefts, long wide, long width, const double *A, long a0, const double *B, long b0, double *C,
                       long c0, long c1, int more) {
  long i = 0;
  for (; i + 4 <= lefts; i += 4) {
    long j = 0;
    for (; j + (CR_TALL / 2) <= wide; j += CR_TALL / 2) CR_DOTS(4, CR_TALL / 2)
    for (; j < wide; j++) CR_DOTS(4, 1)
  }
  for (; i < lefts; i++) {
    long j = 0;
    for (; j + 4 <= wide; j += 4) CR_DOTS(1, 4)
    for (; j < wide; j++) CR_DOTS(1, 1)
  }
}

CR_KERNEL double cr_sum(long n, const double *a, long step) {
  double sum[4] = {0.0, 0.0, 0.0, 0.0};
  long i = 0;
  for (; i + 4 <= n; i += 4) for (int q = 0; q < 4; q++) sum[q] += a[(i + q) * step];
  for (; i < n; i++) sum[0] += a[i * step];
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

CR_KERNEL double cr_inner(long n, const double *a, long step, const double *b, long other) {
  double sum[4] = {0.0, 0.0, 0.0, 0.0};
  long i = 0;
  for (; i + 4 <= n; i += 4) for (int q = 0; q < 4; q++) sum[q] += a[(i + q) * step] * b[(i + q) * other];
  for (; i < n; i++) sum[0] += a[i * step] * b[i * other];
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}
