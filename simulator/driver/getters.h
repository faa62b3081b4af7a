/* Getters' common part: values of the world into the places a caller gave. */
#ifndef SIMULATOR_GETTERS_H
#define SIMULATOR_GETTERS_H

#include "call.h"

typedef unsigned int uint;
typedef unsigned long long ull;

/* One number into 4 or 8 bytes. */
nvmlReturn_t one_number(struct view view, const char *key, size_t size, void *out);

/* One text into a buffer. */
nvmlReturn_t one_text(struct view view, const char *key, unsigned int length, char *out);

/* A key of one fan of several, else what all of them have: "fan.1.percent", "fan.percent". */
nvmlReturn_t numbered(struct view view, const char *kind, unsigned int number, const char *what,
                      size_t size, void *out);

/* Several numbers at once: all of them or the first refusal. */
struct wanted {
    const char *key;
    size_t size;
    void *out;
};

nvmlReturn_t several(struct view view, const struct wanted *wanted, size_t count);

#define WANT(key, place) {key, sizeof(place), &(place)}
#define SEVERAL(view, ...)                                                             \
    several(view, (const struct wanted[]){__VA_ARGS__},                                \
            sizeof((const struct wanted[]){__VA_ARGS__}) / sizeof(struct wanted))

#endif
