// Trust in what a book shows.
#pragma once

// QUALITY(NAME, number, name, help). The order matters: the worst of channel and symbol is what
// counts.
#define QUALITY_LIST(X)                                                                         \
    X(GOOD, 0, "good", "The book is what the exchange shows")                                   \
    X(HALTED, 1, "halted", "The exchange says that it does not trade, or not yet that it does") \
    X(STALE, 2, "stale", "Nothing was heard on any line for the configured time")               \
    X(RECOVERING, 3, "recovering", "A snapshot is being loaded")                                \
    X(SUSPECT, 4, "suspect", "Messages are missing, or the book had no room")

enum quality {
#define QUALITY_ENUM(upper, number, name, help) QUALITY_##upper = (number),
    QUALITY_LIST(QUALITY_ENUM)
#undef QUALITY_ENUM
        QUALITIES
};

// "?" for a number that this version does not know.
static inline const char *quality_name(unsigned quality)
{
    static const char *const names[QUALITIES] = {
#define QUALITY_NAME(upper, number, name, help) [number] = name,
        QUALITY_LIST(QUALITY_NAME)
#undef QUALITY_NAME
    };
    return quality < QUALITIES ? names[quality] : "?";
}
