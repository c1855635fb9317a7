/* Losses that compare number with number: from loss(p, t) and its derivative with respect to p to a
 * kernel.  The sum is in double and in an order that does not depend on the vector's width: 16
 * running sums (element i into sum i % 16), then a binary tree.  For kernels in NAME.simd.c. */
#ifndef LS_NN_ELEMENTWISE_H
#define LS_NN_ELEMENTWISE_H

#include <stddef.h>

static inline double ls__tree16_double(double part[16]) {
  for (size_t width = 8; width > 0; width /= 2)
    for (size_t k = 0; k < width; k++) part[k] += part[k + width];
  return part[0];
}

/* Of NAME_l(p, t, a) and NAME_d(p, t, a), a the loss's own numbers, of this type:
 *
 *   NAME(d, p, t, a, scale, n)   the sum of NAME_l; d[i] = scale * NAME_d, nothing where d is NULL
 *
 * The last elements, fewer than 16, go through a padded copy: the same code, the same bits. */
#define LS__ELEMENTWISE(name, type)                                                             \
  static void name##_block(double part[16], float *d, const float *p, const float *t, type a,   \
                           float scale) {                                                       \
    float loss[16];                                                                             \
    for (size_t k = 0; k < 16; k++) loss[k] = name##_l(p[k], t[k], a);                          \
    for (size_t k = 0; k < 16; k++) part[k] += (double)loss[k];                                 \
    if (d != NULL)                                                                              \
      for (size_t k = 0; k < 16; k++) d[k] = scale * name##_d(p[k], t[k], a);                   \
  }                                                                                             \
  static double name(float *d, const float *p, const float *t, type a, float scale, size_t n) { \
    double part[16] = {0};                                                                      \
    size_t i = 0;                                                                               \
    for (; i + 16 <= n; i += 16)                                                                \
      name##_block(part, d != NULL ? d + i : NULL, p + i, t + i, a, scale);                     \
    if (i < n) {                                                                                \
      double last[16] = {0};                                                                    \
      float p16[16] = {0}, t16[16] = {0}, d16[16];                                              \
      for (size_t k = 0; i + k < n; k++) p16[k] = p[i + k], t16[k] = t[i + k];                  \
      name##_block(last, d16, p16, t16, a, scale);                                              \
      for (size_t k = 0; i + k < n; k++) part[k] += last[k];                                    \
      for (size_t k = 0; d != NULL && i + k < n; k++) d[i + k] = d16[k];                        \
    }                                                                                           \
    return ls__tree16_double(part);                                                             \
  }

#endif
