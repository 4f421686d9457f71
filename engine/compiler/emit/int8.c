/* A product of a matrix of bytes with right sides that are rounded to bytes, for C99. */

typedef signed char cr_byte;
/* C[i][r] = scales[i] * (sum over k of A[i][k] * q[k]) + offsets[i], where q[k] is B[k][r] in steps of 1 / steps from zero; nan
   where a number of that column is not finite. */
static void cr_bytes(long rights, long lefts, long width, const cr_byte *A, const double *B, double steps, double zero,
                     const double *scales, const double *offsets, cr_byte *q, double *C) {
  long r, i, k;
  for (r = 0; r < rights; r++) {
    double odd = 0.0;
    for (k = 0; k < width; k++) {
      const double step = floor(B[k * rights + r] * steps + zero + 0.5);
      odd += 0.0 * B[k * rights + r];
      q[k] = (cr_byte)(step > 127.0 ? 127.0 : step >= -128.0 ? step : -128.0);
    }
    for (i = 0; i < lefts; i++) {
      long sum = 0;
      for (k = 0; k < width; k++) sum += (long)A[i * width + k] * q[k];
      C[i * rights + r] = scales[i] * (double)sum + offsets[i] + odd;
    }
  }
}
