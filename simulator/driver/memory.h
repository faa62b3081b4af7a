/* Memory error counts that calls and batched fields share. */
#ifndef SIMULATOR_MEMORY_H
#define SIMULATOR_MEMORY_H

#include "world.h"

/* kind: 0 corrected, 1 uncorrected; span: 0 volatile, 1 aggregate; place: NVML_MEMORY_LOCATION_*. */
nvmlReturn_t ecc_count(struct view view, unsigned int kind, unsigned int span, unsigned int place,
                       unsigned long long *count);
nvmlReturn_t ecc_total(struct view view, unsigned int kind, unsigned int span,
                       unsigned long long *total);

/* Retired pages for cause 0 (single-bit errors) or 1 (a double-bit error). */
unsigned int retired_count(struct view view, unsigned int cause);

#endif
