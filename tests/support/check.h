/* What every cmocka test includes, in the order that cmocka wants. */
#ifndef LS_SUPPORT_CHECK_H
#define LS_SUPPORT_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
