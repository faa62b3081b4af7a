/* What a line of the world says: numbers, texts, times. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "world.h"

const char *server_text(const struct world *world, const char *key)
{
    return section_text(&world->server, key);
}

bool server_flag(const struct world *world, const char *key)
{
    const char *text = server_text(world, key);
    return text && strcmp(text, "yes") == 0;
}

const char *view_text(struct view view, const char *key)
{
    const char *own = section_text(&view.world->gpus[view.slot], key);
    return own ? own : section_text(&view.world->every, key);
}

nvmlReturn_t view_string(struct view view, const char *key, const char **value)
{
    unsigned int code;

    *value = view_text(view, key);
    if (!*value)
        return NVML_ERROR_NOT_SUPPORTED;
    if (sscanf(*value, "error %u", &code) == 1)
        return code;
    return NVML_SUCCESS;
}

/* A triangle wave of height 1 and the given period, out of step from slot to slot. */
static double wave(double time, double period, unsigned int slot)
{
    double phase = time / period + 0.13 * slot;
    double part = phase - (double)(long long)phase;
    return part < 0.5 ? 4 * part - 1 : 3 - 4 * part;
}

/* "7", "-3", "0x1f", "BASE+RATE@SINCE" (grows by RATE a second of boot time), "MEAN~HEIGHT/PERIOD". */
nvmlReturn_t view_number(struct view view, const char *key, long long *value)
{
    double base, rate, since, height, period, now;
    const char *text;
    char *end;
    nvmlReturn_t code = view_string(view, key, &text);

    if (code)
        return code;
    if (sscanf(text, "%lf+%lf@%lf", &base, &rate, &since) == 3) {
        *value = (long long)(base + rate * (clock_boottime(&view.world->clock) - since));
        return NVML_SUCCESS;
    }
    if (sscanf(text, "%lf~%lf/%lf", &base, &height, &period) == 3 && period > 0) {
        now = clock_boottime(&view.world->clock);
        *value = (long long)(base + height * wave(now, period, view.slot));
        return NVML_SUCCESS;
    }
    *value = (long long)strtoull(text, &end, 0);
    return *text && *end == '\0' ? NVML_SUCCESS : NVML_ERROR_UNKNOWN;
}

static double elapsed(const struct clock *clock)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return ((double)now.tv_sec + (double)now.tv_nsec / 1e9 - clock->anchor) * clock->rate;
}

double clock_boottime(const struct clock *clock)
{
    return clock->boottime + elapsed(clock);
}

double clock_wall(const struct clock *clock)
{
    return clock->wall + elapsed(clock);
}

unsigned int version_number(const char *text)
{
    unsigned int major = 0, minor = 0;

    if (!text || sscanf(text, "%u.%u", &major, &minor) < 1)
        return 0;
    return major * 1000 + minor;
}

/* The next byte of a value; \xNN stands for the byte it names. */
static char next_byte(const char **text)
{
    unsigned int byte;

    if ((*text)[0] == '\\' && (*text)[1] == 'x' && sscanf(*text + 2, "%2x", &byte) == 1) {
        *text += 4;
        return (char)byte;
    }
    return *(*text)++;
}

bool copy_text(char *buffer, size_t size, const char *text)
{
    size_t used = 0;

    while (*text) {
        if (used + 1 >= size)
            return false;
        buffer[used++] = next_byte(&text);
    }
    buffer[used] = '\0';
    return true;
}

void copy_bytes(unsigned char *buffer, size_t size, const char *text)
{
    memset(buffer, 0, size);
    for (size_t used = 0; *text && used < size; used++)
        buffer[used] = (unsigned char)next_byte(&text);
}
