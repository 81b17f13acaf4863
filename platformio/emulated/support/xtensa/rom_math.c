/*
 * Arithmetic that the lx106 has no instructions for. On a real ESP8266 these functions are in mask ROM, so Debian's
 * libgcc leaves them out.
 */
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long s64;

u32 __udivsi3(u32 a, u32 b);
u32 __umodsi3(u32 a, u32 b);
int __divsi3(int a, int b);
int __modsi3(int a, int b);
u64 __udivdi3(u64 a, u64 b);
u64 __umoddi3(u64 a, u64 b);
s64 __divdi3(s64 a, s64 b);
s64 __muldi3(s64 a, s64 b);

static inline u32 magnitude(int a) { return a < 0 ? 0u - (u32)a : (u32)a; }

/* Quotient bits only from where the divisor's highest bit meets the dividend's; b = 0 gives all ones. */
static inline u32 divide(u32 n, u32 b, u32 *remainder) {
  u32 quotient = 0;
  if (b == 0) {
    *remainder = n;
    return ~0u;
  }
  if (n >= b) {
    int shift = __builtin_clz(b) - __builtin_clz(n);
    b <<= shift;
    for (; shift >= 0; shift--) {
      quotient <<= 1;
      if (n >= b) {
        n -= b;
        quotient |= 1;
      }
      b >>= 1;
    }
  }
  *remainder = n;
  return quotient;
}

static u64 divide_long(u64 n, u64 b, u64 *remainder) {
  u64 quotient = 0;
  u64 rest = 0;
  for (int i = 63; i >= 0; i--) {
    rest = (rest << 1) | ((n >> i) & 1);
    if (rest >= b) {
      rest -= b;
      quotient |= 1ull << i;
    }
  }
  *remainder = rest;
  return quotient;
}

u32 __udivsi3(u32 a, u32 b) {
  u32 remainder;
  return divide(a, b, &remainder);
}

u32 __umodsi3(u32 a, u32 b) {
  u32 remainder;
  divide(a, b, &remainder);
  return remainder;
}

int __divsi3(int a, int b) {
  u32 remainder;
  const u32 quotient = divide(magnitude(a), magnitude(b), &remainder);
  return (int)((a ^ b) < 0 ? 0u - quotient : quotient);
}

int __modsi3(int a, int b) {
  u32 remainder;
  divide(magnitude(a), magnitude(b), &remainder);
  return (int)(a < 0 ? 0u - remainder : remainder);
}

u64 __udivdi3(u64 a, u64 b) {
  u64 remainder;
  return divide_long(a, b, &remainder);
}

u64 __umoddi3(u64 a, u64 b) {
  u64 remainder;
  divide_long(a, b, &remainder);
  return remainder;
}

s64 __divdi3(s64 a, s64 b) {
  u64 remainder;
  const u64 quotient = divide_long(a < 0 ? 0ull - (u64)a : (u64)a, b < 0 ? 0ull - (u64)b : (u64)b, &remainder);
  return (s64)((a ^ b) < 0 ? 0ull - quotient : quotient);
}

/* The low 64 bits of the product, from 16-bit halves: the core multiplies 32 by 32 bits to the low 32 only. */
s64 __muldi3(s64 a, s64 b) {
  const u32 a0 = (u32)a, b0 = (u32)b;
  const u32 a1 = (u32)((u64)a >> 32), b1 = (u32)((u64)b >> 32);
  const u32 al = a0 & 0xFFFFu, ah = a0 >> 16, bl = b0 & 0xFFFFu, bh = b0 >> 16;
  const u32 low = al * bl;
  const u32 mid = ah * bl + (low >> 16); /* cannot overflow */
  const u32 cross = al * bh + (mid & 0xFFFFu);
  const u32 high = ah * bh + (mid >> 16) + (cross >> 16) + a0 * b1 + a1 * b0;
  return (s64)((u64)high << 32 | (cross << 16) | (low & 0xFFFFu));
}
