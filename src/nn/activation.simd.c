/* y = f(x) and dx = dy f'(x), element by element, for every function of LS__ACTIVATION_MAP. */
#include "nn/activation.h"

#include "nn/vmath.h"

/* The functions.  Comparisons are written so that NaN comes out as NaN. */

static inline float sigmoid_y(float x, float a) {
  (void)a;
  return ls__sigmoidf(x);
}

static inline float sigmoid_d(float y, float a) {
  (void)a;
  return y * (1.0F - y);
}

static inline float tanh_y(float x, float a) {
  (void)a;
  return ls__tanhf(x);
}

static inline float tanh_d(float y, float a) {
  (void)a;
  return 1.0F - y * y;
}

static inline float relu_y(float x, float a) {
  (void)a;
  return x < 0.0F ? 0.0F : x;
}

static inline float relu_d(float y, float a) {
  (void)a;
  return y > 0.0F ? 1.0F : 0.0F;
}

/* x where positive, a x elsewhere, a >= 0: y has the sign of x, so y tells the side. */
static inline float leaky_relu_y(float x, float a) {
  return x < 0.0F ? a * x : x;
}

static inline float leaky_relu_d(float y, float a) {
  return y > 0.0F ? 1.0F : a;
}

/* x where positive, a (e^x - 1) elsewhere; its derivative there is a e^x = y + a. */
static inline float elu_y(float x, float a) {
  float below = a * ls__expm1f(x > 0.0F ? 0.0F : x);
  return x > 0.0F ? x : below;
}

static inline float elu_d(float y, float a) {
  return y > 0.0F ? 1.0F : y + a;
}

/* x P(x), P the standard normal's distribution function (Hendrycks, Gimpel 2016);
 * derivative P(x) + x p(x), p the density. */
static inline float gelu_y(float x, float a) {
  (void)a;
  return 0.5F * x * (1.0F + ls__erff(x * 0.707106781F));
}

static inline float gelu_d(float x, float a) {
  (void)a;
  float density = 0.398942280F * ls__expf(-0.5F * x * x);
  return 0.5F * (1.0F + ls__erff(x * 0.707106781F)) + x * density;
}

/* The same paper's approximation, x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))). */
static inline float gelu_tanh_y(float x, float a) {
  (void)a;
  return 0.5F * x * (1.0F + ls__tanhf(0.797884561F * (x + 0.044715F * x * x * x)));
}

static inline float gelu_tanh_d(float x, float a) {
  (void)a;
  float t = ls__tanhf(0.797884561F * (x + 0.044715F * x * x * x));
  return 0.5F * (1.0F + t) +
         0.5F * x * (1.0F - t * t) * 0.797884561F * (1.0F + 3.0F * 0.044715F * x * x);
}

/* x sigmoid(x); derivative s (1 + x (1 - s)). */
static inline float silu_y(float x, float a) {
  (void)a;
  return x * ls__sigmoidf(x);
}

static inline float silu_d(float x, float a) {
  (void)a;
  float s = ls__sigmoidf(x);
  return s * (1.0F + x * (1.0F - s));
}

static inline float softplus_y(float x, float a) {
  (void)a;
  return ls__softplusf(x);
}

static inline float softplus_d(float x, float a) {
  (void)a;
  return ls__sigmoidf(x);
}

/* s x where positive, s a (e^x - 1) elsewhere, with the s and a for which mean 0 and variance 1 stay
 * (Klambauer et al. 2017, equation 2); its derivative there is s a e^x = y + s a. */
static inline float selu_y(float x, float a) {
  (void)a;
  float below = 1.75809934F * ls__expm1f(x > 0.0F ? 0.0F : x);
  return x > 0.0F ? 1.05070099F * x : below;
}

static inline float selu_d(float y, float a) {
  (void)a;
  return y > 0.0F ? 1.05070099F : y + 1.75809934F;
}

/* x / (1 + |x|); derivative 1 / (1 + |x|)^2 = (1 - |y|)^2. */
static inline float softsign_y(float x, float a) {
  (void)a;
  return x / (1.0F + fabsf(x));
}

static inline float softsign_d(float y, float a) {
  (void)a;
  float rest = 1.0F - fabsf(y);
  return rest * rest;
}

/* x / 6 + 1/2, within 0 and 1. */
static inline float hard_sigmoid_y(float x, float a) {
  (void)a;
  float y = (x + 3.0F) / 6.0F;
  y = y < 0.0F ? 0.0F : y;
  return y > 1.0F ? 1.0F : y;
}

static inline float hard_sigmoid_d(float y, float a) {
  (void)a;
  float inside = y < 1.0F ? 1.0F / 6.0F : 0.0F;
  return y > 0.0F ? inside : 0.0F;
}

/* x hard_sigmoid(x) (Howard et al. 2019, section 5.2): 0 below -3, x above 3. */
static inline float hard_swish_y(float x, float a) {
  (void)a;
  float y = x * ((x + 3.0F) / 6.0F);
  y = x <= -3.0F ? 0.0F : y;
  return x >= 3.0F ? x : y;
}

static inline float hard_swish_d(float x, float a) {
  (void)a;
  float d = x / 3.0F + 0.5F;
  d = x <= -3.0F ? 0.0F : d;
  return x >= 3.0F ? 1.0F : d;
}

/* x tanh(log(1 + e^x)) (Misra 2019).  With e = e^x and n = e (e + 2) the tanh is t = n / (n + 2), 1 in
 * float where x is above 20; its derivative is 4 e (1 + e) / (n + 2)^2. */
static inline float mish_y(float x, float a) {
  (void)a;
  float e = ls__expf(x > 20.0F ? 20.0F : x), n = e * (e + 2.0F);
  return x * (n / (n + 2.0F));
}

static inline float mish_d(float x, float a) {
  (void)a;
  float e = ls__expf(x > 20.0F ? 20.0F : x), n = e * (e + 2.0F), m = n + 2.0F;
  return n / m + x * (4.0F * e * (1.0F + e) / m / m);
}

/* Three loops a function. */
#define X_(name, reads)                                                                            \
  static void name##_forward(float *y, const float *x, float a, size_t n) {                        \
    for (size_t i = 0; i < n; i++) y[i] = name##_y(x[i], a);                                       \
  }                                                                                                \
  static void name##_backward(float *dx, const float *dy, const float *s, float a, size_t n) {     \
    for (size_t i = 0; i < n; i++) dx[i] = dy[i] * name##_d(s[i], a);                              \
  }                                                                                                \
  static void name##_backward_add(float *dx, const float *dy, const float *s, float a, size_t n) { \
    for (size_t i = 0; i < n; i++) dx[i] += dy[i] * name##_d(s[i], a);                             \
  }
LS__ACTIVATION_MAP(X_)
#undef X_

LS_SIMD_DECLARE(ls__activation_ops, ls__activation_ops);
const ls__activation_ops LS_SIMD(ls__activation_ops) = {{
#define X_(name, reads) {name##_forward, name##_backward, name##_backward_add},
    LS__ACTIVATION_MAP(X_)
#undef X_
}};
