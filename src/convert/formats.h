/* The formats: the one list of them, in the order of the help. */
#ifndef LS_CONVERT_FORMATS_H
#define LS_CONVERT_FORMATS_H

#include "convert/format.h"

#define LS__FORMAT_MAP(X) \
  X(csv) X(idx) X(npy) X(npz) X(cifar10) X(cifar100) X(images) X(text) X(audio)

#define X(name) extern const ls__format ls__format_##name;
LS__FORMAT_MAP(X)
#undef X

/* All of them. */
extern const ls__registry ls__formats;

#endif
