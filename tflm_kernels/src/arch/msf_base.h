/* Arithmetic that everything else is made of. */
#ifndef MSF_BASE_H_
#define MSF_BASE_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* For functions with large frames, which would add up in a caller that has room for one of them; or that are short so. */
#if defined(__GNUC__)
#define MSF_NOINLINE __attribute__((noinline))
#else
#define MSF_NOINLINE
#endif

/* For what runs once for a model: small rather than fast. */
#if defined(__GNUC__)
#define MSF_COLD __attribute__((cold))
#else
#define MSF_COLD
#endif

static inline int32_t msf_max(int32_t a, int32_t b) { return a > b ? a : b; }
static inline int32_t msf_min(int32_t a, int32_t b) { return a < b ? a : b; }

/* int32 arithmetic that wraps, as the reference does on every target, without undefined behaviour. */
static inline int32_t msf_wrap_add(int32_t a, int32_t b) { return (int32_t)((uint32_t)a + (uint32_t)b); }
static inline int32_t msf_wrap_mul(int32_t a, int32_t b) { return (int32_t)((uint32_t)a * (uint32_t)b); }
static inline int32_t msf_mac(int32_t acc, int8_t w, int8_t x) { return msf_wrap_add(acc, w * x); }

#ifdef __cplusplus
}
#endif

#endif /* MSF_BASE_H_ */
