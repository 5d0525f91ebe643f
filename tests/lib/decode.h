// Parts of the program decode: what our codecs make of bytes, in lines that another decoder's can
// be compared with.
#pragma once

#include <stdint.h>

// One line a frame of a capture. Returns an exit code.
int frames_show(const char *path, uint16_t mold_port, uint16_t soup_port);

// Writes a capture of frames that we build (ARP, IGMP reports and leaves, UDP) and prints what
// went into each. Returns an exit code.
int frames_build(const char *path);
