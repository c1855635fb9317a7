/* A step on samples that each rank gives (lockstep/feed.h): what it keeps from call to call. */
#ifndef LS_TRAIN_FEED_H
#define LS_TRAIN_FEED_H

#include <lockstep/feed.h>

typedef struct ls__feeding ls__feeding;
void ls__feeding_destroy(ls__feeding *feeding);

#endif
