/* NVLink values that calls and batched fields share. */
#ifndef SIMULATOR_LINK_H
#define SIMULATOR_LINK_H

#include "world.h"

#define LINKS_MAX 36

/* How many links the board has; 0 without NVLink. */
unsigned int link_count(struct view view);

/* "nvlink.3.KEY" of one link, else "nvlink.KEY" of all. */
nvmlReturn_t link_number(struct view view, unsigned int link, const char *key, long long *value);

/* The sum over all links. */
nvmlReturn_t link_total(struct view view, const char *key, long long *value);

#endif
