/*
 * One job of an inner loop between the marks.
 */
#include <string.h>

#include "arch/msf_arch.h"
#include "job.h" /* LOOP and its sizes */
#include "probe.h"

#define MOST 4096
static int8_t values[MOST], weights[MOST], out[16];
static int32_t bias[4];
static uint32_t multipliers[4] = {0x80000000u, 0x80000000u, 0x80000000u, 0x80000000u};
static uint8_t shifts[4] = {1, 1, 1, 1};
static const int8_t *addresses[MOST / 4];

int main(void) {
  msf_job job;
  memset(&job, 0, sizeof job);
  job.scales.bias = bias;
  job.scales.multipliers = multipliers;
  job.scales.shifts = shifts;
  job.scales.half = 1;
  job.scales.act_min = -128;
  job.scales.act_max = 127;
  job.weights = weights;
  job.out = out;
  job.pixels = PIXELS;
  job.channels = CHANNELS;
  job.segments = SEGMENTS;
  job.length = LENGTH;
  job.across = MSF_PIXELS;
  for (unsigned i = 0; i < sizeof addresses / sizeof *addresses; i++) addresses[i] = values;
  PROBE_BEGIN();
  LOOP(&job, addresses);
  PROBE_END();
  return 0;
}
