/* Copying without a call, in plain C: see msf_isa.h. MSF_COPIES_WORDS: words are read and written at any address. */
#ifndef MSF_PLAIN_MEMORY_H_
#define MSF_PLAIN_MEMORY_H_

#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Four bytes. They are all read before the first is written, so that compilers need not wait for each. */
static inline void msf_copy_four(int8_t *to, const int8_t *from) {
#if defined(MSF_COPIES_WORDS)
  int32_t word;
  memcpy(&word, from, 4);
  memcpy(to, &word, 4);
#else
  const int8_t a = from[0], b = from[1], c = from[2], d = from[3];
  to[0] = a;
  to[1] = b;
  to[2] = c;
  to[3] = d;
#endif
}

/* Copies n bytes. Returns the end of the copy. */
static inline int8_t *msf_copy(int8_t *to, const int8_t *from, int32_t n) {
  for (; n >= 4; n -= 4, to += 4, from += 4) msf_copy_four(to, from);
  for (; n > 0; n--) *to++ = *from++;
  return to;
}

/* Copies `count` pieces of n bytes, from and to addresses that are as far apart as said. */
static inline void msf_copy_pieces(int8_t *to, int32_t to_step, const int8_t *from, int32_t from_step, int32_t count,
                                   int32_t n) {
  for (; count > 0; count--, to += to_step, from += from_step) msf_copy(to, from, n);
}

/* Fills n bytes; returns their end. */
static inline int8_t *msf_fill(int8_t *to, int8_t value, int32_t n) {
  int8_t *const end = to + n;
  for (; to != end; to++) *to = value;
  return end;
}

#ifdef __cplusplus
}
#endif

#endif /* MSF_PLAIN_MEMORY_H_ */
