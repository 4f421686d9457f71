/* Functions of the prelude by those of math.h, for texts that have to be small. */

static inline double cr_exp(double x) { return exp(x); }

static inline double cr_expm1(double x) { return expm1(x); }

static inline double cr_tanh(double x) { return tanh(x); }

static inline double cr_log(double x) { return log(x); }

static inline double cr_log1p(double x) { return log1p(x); }
