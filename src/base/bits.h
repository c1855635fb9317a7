/* The bits of a float as a number, and back. */
#ifndef LS_BASE_BITS_H
#define LS_BASE_BITS_H

#include <stdint.h>
#include <string.h>

static inline uint32_t ls__bits_of(float x) {
  uint32_t u;
  memcpy(&u, &x, sizeof u);
  return u;
}

static inline float ls__float_of(uint32_t u) {
  float x;
  memcpy(&x, &u, sizeof x);
  return x;
}

#endif
