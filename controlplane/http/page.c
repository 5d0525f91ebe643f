// The status page, page.html, inside the program. Its style and script stand in it and are let in
// by their hashes; nothing else is loaded or run.
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "controlplane/http/parts.h"

__asm__(".section .rodata\n"
        ".global page_begin, page_end\n"
        "page_begin:\n"
        ".incbin \"controlplane/http/page.html\"\n"
        "page_end:\n"
        ".byte 0\n"
        ".previous\n");

// "sha256-..." of what stands between <open> and <close>.
static void hash_between(const char *open, const char *close, char out[64])
{
    unsigned char digest[EVP_MAX_MD_SIZE], text[64];
    unsigned len = 0;
    const char *begin = strstr(page_begin, open), *end = begin ? strstr(begin, close) : NULL;
    out[0] = 0;
    if (end == NULL)
        return;
    begin += strlen(open);
    EVP_Digest(begin, (size_t)(end - begin), digest, &len, EVP_sha256(), NULL);
    EVP_EncodeBlock(text, digest, (int)len);
    snprintf(out, 64, "sha256-%s", (const char *)text);
}

const char *page_policy(void)
{
    static char policy[320];
    char style[64], script[64];
    if (policy[0] == 0) {
        hash_between("<style>", "</style>", style);
        hash_between("<script>", "</script>", script);
        snprintf(policy, sizeof policy,
                 "default-src 'none'; connect-src 'self'; style-src '%s'; script-src '%s'; "
                 "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
                 style, script);
    }
    return policy;
}
