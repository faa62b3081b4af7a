/* Getters' common part: values of the world into the places a caller gave. */
#include "getters.h"

#include <stdio.h>

nvmlReturn_t one_number(struct view view, const char *key, size_t size, void *out)
{
    long long value;
    nvmlReturn_t code = out ? view_number(view, key, &value) : NVML_ERROR_INVALID_ARGUMENT;

    if (code)
        return code;
    if (size == sizeof(unsigned int))
        *(unsigned int *)out = (unsigned int)value;
    else
        *(unsigned long long *)out = (unsigned long long)value;
    return NVML_SUCCESS;
}

nvmlReturn_t one_text(struct view view, const char *key, unsigned int length, char *out)
{
    const char *text;
    nvmlReturn_t code = out ? view_string(view, key, &text) : NVML_ERROR_INVALID_ARGUMENT;

    if (code)
        return code;
    return copy_text(out, length, text) ? NVML_SUCCESS : NVML_ERROR_INSUFFICIENT_SIZE;
}

nvmlReturn_t several(struct view view, const struct wanted *wanted, size_t count)
{
    for (size_t at = 0; at < count; at++) {
        nvmlReturn_t code = one_number(view, wanted[at].key, wanted[at].size, wanted[at].out);
        if (code)
            return code;
    }
    return NVML_SUCCESS;
}

nvmlReturn_t numbered(struct view view, const char *kind, unsigned int number,
                             const char *what, size_t size, void *out)
{
    char key[64];

    snprintf(key, sizeof key, "%s.%u.%s", kind, number, what);
    if (!view_text(view, key))
        snprintf(key, sizeof key, "%s.%s", kind, what);
    return one_number(view, key, size, out);
}
