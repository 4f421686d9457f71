/* Products of matrices and sums as plain loops. */

/* C[i][j] = bias[i * a0] + sum over k of A[i * a0 + k * a1] * B[k * b0 + j]; with `more`, it is added to what C holds,
   and there is no bias. Without one, it is a null pointer. */
static inline void cr_rows(long lefts, long wide, long width, const double *A, long a0, long a1, const double *bias,
                           const double *B, long b0, double *C, long c0, int more) {
  long i, j, k;
  for (i = 0; i < lefts; i++) {
    if (!more) for (j = 0; j < wide; j++) C[i * c0 + j] = bias ? bias[i * a0] : 0.0;
    for (k = 0; k < width; k++) {
      const double a = A[i * a0 + k * a1];
      for (j = 0; j < wide; j++) C[i * c0 + j] += a * B[k * b0 + j];
    }
  }
}

/* C[i * c0 + j] = bias[i * a0] + sum over k of A[i * a0 + k] * B[j * b0 + k]; with `more` as above. */
static inline void cr_dots(long lefts, long wide, long width, const double *A, long a0, const double *bias,
                           const double *B, long b0, double *C, long c0, int more) {
  long i, j, k;
  for (i = 0; i < lefts; i++) for (j = 0; j < wide; j++) {
    double sum = more ? C[i * c0 + j] : bias ? bias[i * a0] : 0.0;
    for (k = 0; k < width; k++) sum += A[i * a0 + k] * B[j * b0 + k];
    C[i * c0 + j] = sum;
  }
}

/* C[i * c0] = sum over k of A[i * a0 + k]; with `more`, it is added to what C holds. */
static inline void cr_row_sums(long rows, long width, const double *A, long a0, double *C, long c0, int more) {
  long i, k;
  for (i = 0; i < rows; i++) {
    double sum = more ? C[i * c0] : 0.0;
    for (k = 0; k < width; k++) sum += A[i * a0 + k];
    C[i * c0] = sum;
  }
}

static inline double cr_sum(long n, const double *a, long step) {
  double sum = 0.0;
  long i;
  for (i = 0; i < n; i++) sum += a[i * step];
  return sum;
}

static inline double cr_inner(long n, const double *a, long step, const double *b, long other) {
  double sum = 0.0;
  long i;
  for (i = 0; i < n; i++) sum += a[i * step] * b[i * other];
  return sum;
}
