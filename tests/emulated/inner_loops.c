/*
 * The inner loops against the definition in msf_arch.h, spelt out: random jobs, every output byte compared, and the bytes
 * before and behind the outputs. Every number is now and then at an end of what msf_arch.h lets the kernels take for
 * granted: sums just below 2^29, multipliers, shifts, zero points, clamps to a single value, one channel, one tap.
 */
#include <stdio.h>
#include <string.h>

#include "arch/msf_arch.h"
#include "format/msf_program.h"

#define ALIGNED __attribute__((aligned(8)))
#define JOBS 1800
#define MOST_CHANNELS 24
#define MOST_SEGMENTS 10
#define MOST_ADDRESSES (MOST_SEGMENTS * MSF_PIXELS)
#define MOST_ADDED 100
#define OUT_BYTES (MSF_PIXELS * MOST_CHANNELS + 16)

typedef struct {
  const char *name;
  void (*run)(const msf_job *job, const int8_t *const *x);
  int32_t (*product)(const msf_job *job, const int8_t *const *x, int32_t p, int32_t o);
} loops;

#define MOST_LENGTH 80
static int8_t weights[MOST_CHANNELS * MOST_SEGMENTS * MOST_LENGTH] ALIGNED, values[4096 + MOST_LENGTH] ALIGNED;
static int32_t scratch[2 * MOST_SEGMENTS * MOST_LENGTH];
static int32_t bias[MOST_CHANNELS] ALIGNED;
static uint32_t multipliers[MOST_CHANNELS] ALIGNED;
static uint8_t shifts[MOST_CHANNELS] ALIGNED;

static int32_t random_below(int32_t limit) {
  static uint32_t state = 1;
  state = state * 1664525u + 1013904223u;
  return (int32_t)((state >> 8) % (uint32_t)limit);
}

/* One of the ends in three of ten cases, anything between them in the others. */
static int32_t random_or_end(int32_t low, int32_t high) {
  const int32_t kind = random_below(20);
  if (kind < 6) return kind < 3 ? low : high;
  return low + random_below(high - low + 1);
}

static uint32_t random_multiplier(void) { return 0x80000000u + 128u * (uint32_t)random_or_end(0, (1 << 24) - 1); }

static int32_t convolution(const msf_job *job, const int8_t *const *x, int32_t p, int32_t o) {
  const int32_t size = job->segments * job->length;
  const int is_single = o == job->channels - 1 && o % 2 == 0;
  int32_t sum = 0;
  for (int32_t k = 0; k < size; k++) {
    const int32_t w = is_single ? o * size + k : (o - o % 2) * size + k / 4 * 8 + o % 2 * 4 + k % 4;
    sum += weights[w] * x[k / job->length * job->across + p][k % job->length];
  }
  return sum;
}

static int32_t depthwise(const msf_job *job, const int8_t *const *x, int32_t p, int32_t o) {
  const int32_t four = o / 4 * 4;
  const int32_t width = msf_min(job->channels - four, 4);
  int32_t sum = 0;
  for (int32_t k = 0; k < job->segments; k++) {
    sum += weights[four * job->segments + k * width + o - four] * x[p * job->segments + k][o];
  }
  return sum;
}

/* As SPEC.md says, in 64 bits; a shift of 0 rounds nothing. */
static int64_t rescaled(int64_t sum, uint32_t multiplier, uint32_t shift) {
  const int64_t high = (sum * multiplier + (1ll << 31)) >> 32;
  return shift == 0 ? high : (high + (high < 0 ? -1 : 0) + (1ll << (shift - 1))) >> shift;
}

static int8_t clamped(const msf_scales *scales, int64_t value) {
  if (value < scales->act_min) return (int8_t)scales->act_min;
  return value > scales->act_max ? (int8_t)scales->act_max : (int8_t)value;
}

static int8_t requantized(const msf_scales *scales, int32_t o, int32_t sum) {
  return clamped(scales, rescaled(sum, multipliers[o], shifts[o]) + (scales->half - 1) / 2);
}

static void randomize_scales(msf_scales *scales) {
  scales->half = 2 * random_or_end(-128, 127) + 1;
  scales->act_min = -128 + (random_below(2) ? random_below(60) : 0);
  scales->act_max = 127 - (random_below(2) ? random_below(60) : 0);
  if (random_below(2)) scales->half = 2 * scales->act_min + 1; /* as RELU has it */
  if (random_below(16) == 0) scales->act_min = scales->act_max = random_or_end(-128, 127);
}

/* A bias with which no sum leaves its range, or is next to its end. */
static int32_t random_bias(int32_t reach) {
  const int32_t most = (1 << 29) - 1 - reach;
  return random_below(3) ? random_below(20000) - 10000 : random_or_end(-most, most);
}

/* Some weights are of one sign and as large as can be, so that sums of products are. */
static void randomize(msf_job *job, const int8_t **addresses, int is_depthwise) {
  const int32_t kind = random_below(4);
  for (uint32_t i = 0; i < sizeof values; i++) values[i] = (int8_t)(kind == 0 ? -128 : random_below(256) - 128);
  for (uint32_t i = 0; i < sizeof weights; i++) weights[i] = (int8_t)(kind == 0 ? -127 : random_below(255) - 127);
  for (int32_t o = 0; o < MOST_CHANNELS; o++) {
    bias[o] = random_bias(128 * 127 * MOST_SEGMENTS * MOST_LENGTH);
    multipliers[o] = random_multiplier();
    shifts[o] = (uint8_t)(random_below(4) == 0 ? random_or_end(1, MSF_MAX_SHORT_SHIFT) : 1 + random_below(9));
  }
  job->scales.bias = bias;
  job->scales.multipliers = multipliers;
  job->scales.shifts = shifts;
  randomize_scales(&job->scales);
  job->weights = weights;
  job->channels = random_or_end(1, MOST_CHANNELS);
  job->segments = is_depthwise && random_below(2) ? 9 : random_or_end(1, MOST_SEGMENTS);
  job->length = 4 * random_or_end(1, MOST_LENGTH / 4);
  job->across = is_depthwise || random_below(3) ? MSF_PIXELS : 1;
  job->pixels = job->across == 1 ? 1 : random_or_end(1, MSF_PIXELS);
  job->scratch = scratch;
  job->scratch_size = random_below(4) == 0 ? 0 : random_below((int32_t)sizeof scratch + 1) & ~3;
  const int32_t unit = is_depthwise && job->channels % 4 == 0 ? 4 : 1;
  for (int32_t k = 0; k < MOST_ADDRESSES; k++) addresses[k] = values + unit * random_below(4000 / unit);
}

static int differs(const loops *l, int is_depthwise) {
  const int8_t *addresses[MOST_ADDRESSES];
  int8_t out[OUT_BYTES], expected[OUT_BYTES];
  msf_job job;
  randomize(&job, addresses, is_depthwise);
  memset(out, 0x55, sizeof out);
  memset(expected, 0x55, sizeof expected);
  job.out = out + 1;
  for (int32_t p = 0; p < job.pixels; p++) {
    for (int32_t o = 0; o < job.channels; o++) {
      expected[1 + p * job.channels + o] = requantized(&job.scales, o, bias[o] + l->product(&job, addresses, p, o));
    }
  }
  l->run(&job, addresses);
  if (memcmp(out, expected, sizeof out) == 0) return 0;
  printf("%s: %d channels, %d segments of %d, %d pixels, %d across\n", l->name, (int)job.channels, (int)job.segments,
         (int)job.length, (int)job.pixels, (int)job.across);
  return 1;
}

#if defined(MSF_HAS_COLUMNS)

/* A depthwise job of 3x3 whose taps are those of columns that pixels share. */
static int columns_differ(void) {
  const int8_t *columns[9 * MSF_COLUMNS], *taps[MOST_ADDRESSES];
  int8_t out[OUT_BYTES], expected[OUT_BYTES];
  const int32_t stride = 1 + random_below(2);
  msf_job job;
  randomize(&job, taps, 1);
  job.channels = 4 * random_or_end(1, MOST_CHANNELS / 4);
  job.segments = MSF_COLUMNS * MSF_COLUMNS;
  job.pixels = random_or_end(3, MSF_PIXELS);
  for (int32_t k = 0; k < 9 * MSF_COLUMNS; k++) columns[k] = values + random_below(4000);
  for (int32_t k = 0; k < job.pixels * job.segments; k++) {
    const int32_t p = k / job.segments, row = k % job.segments / MSF_COLUMNS, column = k % MSF_COLUMNS;
    taps[k] = columns[(stride * p + column) * MSF_COLUMNS + row];
  }
  memset(out, 0x55, sizeof out);
  memset(expected, 0x55, sizeof expected);
  job.out = out + 1;
  for (int32_t p = 0; p < job.pixels; p++) {
    for (int32_t o = 0; o < job.channels; o++) {
      expected[1 + p * job.channels + o] = requantized(&job.scales, o, bias[o] + depthwise(&job, taps, p, o));
    }
  }
  msf_convolve_columns(&job, columns, stride);
  if (memcmp(out, expected, sizeof out) == 0) return 0;
  printf("columns: %d channels, %d pixels, stride %d\n", (int)job.channels, (int)job.pixels, (int)stride);
  return 1;
}

#else

static int columns_differ(void) { return 0; }

#endif

static void randomize_addition(msf_addition *job) {
  msf_summand *const summands[] = {&job->first, &job->second};
  for (int i = 0; i < 2; i++) {
    summands[i]->zero = random_or_end(-128, 127);
    summands[i]->multiplier = random_multiplier();
    summands[i]->shift = random_below(3) == 0 ? 0 : random_below(6);
    summands[i]->sign = summands[i]->shift == 0 ? 0 : -1;
  }
  job->sign = random_below(2) ? 1 : -1;
  job->multiplier = random_multiplier();
  job->shift = (uint32_t)(18 + random_below(5));
  randomize_scales(&job->scales);
}

static int64_t summand(const msf_summand *s, int8_t value) {
  return rescaled((int64_t)(value - s->zero) * (1 << MSF_HEADROOM), s->multiplier, (uint32_t)s->shift);
}

static int addition_differs(void) {
  int8_t out[MOST_ADDED + 16], expected[MOST_ADDED + 16];
  const int32_t n = random_or_end(1, MOST_ADDED);
  msf_addition job;
  randomize_addition(&job);
  memset(out, 0x55, sizeof out);
  memset(expected, 0x55, sizeof expected);
  for (int32_t i = 0; i < MOST_ADDED + 2; i++) values[i] = (int8_t)(random_below(256) - 128);
  for (int32_t i = 0; i < n; i++) {
    const int64_t sum = summand(&job.first, values[1 + i]) + job.sign * summand(&job.second, values[2 + i]);
    expected[1 + i] = clamped(&job.scales, rescaled(sum, job.multiplier, job.shift) + (job.scales.half - 1) / 2);
  }
  msf_add_values(&job, values + 1, values + 2, out + 1, n);
  if (memcmp(out, expected, sizeof out) == 0) return 0;
  printf("addition: %d values\n", (int)n);
  return 1;
}

static int dot_differs(void) {
  const int32_t n = random_below(100), at = random_below(100), from = random_below(100);
  int32_t expected = (int32_t)(0x7FFFF000 + random_below(0x1000)); /* may wrap */
  for (int32_t i = 0; i < 200; i++) {
    values[i] = (int8_t)(random_below(256) - 128);
    weights[i] = (int8_t)(random_below(256) - 128);
  }
  const int32_t sum = msf_dot(expected, weights + at, values + from, n);
  for (int32_t i = 0; i < n; i++) expected = msf_wrap_add(expected, weights[at + i] * values[from + i]);
  if (sum == expected) return 0;
  printf("dot product: %d values\n", (int)n);
  return 1;
}

static int sums_differ(void) {
  int32_t sums[MOST_CHANNELS], expected[MOST_CHANNELS];
  const int32_t n = random_below(MOST_CHANNELS);
  for (int32_t i = 0; i < MOST_CHANNELS; i++) {
    sums[i] = expected[i] = (int32_t)(0x7FFFFF80 + random_below(0x80)); /* may wrap */
    values[i + 1] = (int8_t)(random_below(256) - 128);
    if (i < n) expected[i] = msf_wrap_add(expected[i], values[i + 1]);
  }
  msf_add_to_sums(sums, values + 1, n);
  if (memcmp(sums, expected, sizeof sums) == 0) return 0;
  printf("sums: %d values\n", (int)n);
  return 1;
}

static int job_differs(int i) {
  static const loops convolutions = {"convolution", msf_convolve, convolution};
  static const loops depthwises = {"depthwise", msf_convolve_depthwise, depthwise};
  switch (i % 6) {
    case 0: return differs(&convolutions, 0);
    case 1: return differs(&depthwises, 1);
    case 2: return addition_differs();
    case 3: return dot_differs();
    case 4: return columns_differ();
    default: return sums_differ();
  }
}

int main(void) {
  int differing = 0;
  for (int i = 0; i < JOBS; i++) differing += job_differs(i);
  printf("%d of %d jobs differ\n", differing, JOBS);
  return differing != 0;
}
