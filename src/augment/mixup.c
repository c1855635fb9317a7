/* mixup: each sample is mixed with another one, its inputs as share x + (1 - share) x', its loss as
 * share L(y) + (1 - share) L(y') (Zhang, Cisse, Dauphin, Lopez-Paz: mixup, ICLR 2018).  The share is
 * of Beta(alpha, alpha), or what is left of it if that is more: a pair of samples is then mixed as
 * in the paper, and the sample itself is the larger part of its mixture.
 *
 * Of Beta by Joehnk's method: with x = u^(1/alpha) and y = v^(1/alpha), u and v uniform,
 * x / (x + y) is of it among the pairs with x + y <= 1. */
#include "augment/kinds.h"
#include "base/real.h"

static const ls__option table[] = {
    LS__NUMBER(ls__mixup, alpha, NULL, 0.05, 2,
               "small: samples stay nearly what they are; 1: all shares are as likely; `mixup: "
               "0.2` "
               "says it alone"),
    LS__END,
};

const ls__augment_kind ls__augment_mixup = {
    .kind = {"mixup", "mixed with another sample, targets too; the last of the list", table},
    .brief = "alpha",
    .options_bytes = sizeof(ls__mixup),
};

/* Draws beyond those of ls__augment_draw. */
static const uint64_t beyond = UINT64_C(1) << 62;
enum { ATTEMPTS = 512 }; /* one in six or more succeeds */

float ls__mixup_share(const ls__mixup *mixup, const ls__rng *rng, uint64_t sample) {
  for (uint64_t k = 0; k < ATTEMPTS; k++) {
    uint32_t u[4];
    ls__rng_block(rng, beyond + sample * ATTEMPTS + k, u);
    const double x = ls__real_power(((double)u[0] + 0.5) * 0x1p-32, 1 / mixup->alpha),
                 y = ls__real_power(((double)u[1] + 0.5) * 0x1p-32, 1 / mixup->alpha);
    if (!(x + y <= 1 && x + y > 0)) continue;
    const double share = x / (x + y);
    return (float)(share < 0.5 ? 1 - share : share);
  }
  return 1;
}
