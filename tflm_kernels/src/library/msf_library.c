/* What the back ends share: whether a call fits, and the band that a library gets to see. */
#include "library/msf_library.h"
#include "kernel/msf_window.h"

#if defined(MSF_LIBRARY)

#define ALIGNMENT 16u
#define MOST_BYTES (1u << 24) /* of anything a library sees: what it computes from sizes then stays an int32 */

static uint8_t memory[MSF_LIBRARY_SCRATCH + ALIGNMENT];

typedef struct {
  uint8_t *at;
  uint32_t left;
} room;

static int is_aligned(const void *at) { return (uintptr_t)at % ALIGNMENT == 0; }

static room whole_room(void) {
  const room whole = {memory + (ALIGNMENT - (uintptr_t)memory % ALIGNMENT), MSF_LIBRARY_SCRATCH};
  return whole;
}

/* Cuts aligned memory off; NULL if there is not as much. */
static void *cut(room *from, int32_t bytes) {
  const uint32_t whole = ((uint32_t)bytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
  uint8_t *start = from->at;
  if (whole > from->left) return 0;
  from->at += whole;
  from->left -= whole;
  return start;
}

static int is_small(int32_t h, int32_t w, int32_t c) {
  return w <= UINT16_MAX && (uint64_t)h * (uint64_t)w * (uint64_t)c <= MOST_BYTES;
}

/* The sizes of a band. Returns 0 for a stage that no library computes, or counts for in 16 bits. */
static int measure(const msf_call *call, msf_band *band) {
  const msf_stage *s = call->stage;
  const int32_t pixels = call->x1 - call->x0;
  band->stage = s;
  band->depth = s->op == MSF_OP_DEPTHWISE_CONV_2D ? s->arg[0] : 0;
  band->stride_w = pixels > 1 ? s->stride_w : 1;
  band->dilation_w = s->kernel_w > 1 ? s->dilation_w : 1;
  band->in_w = (pixels - 1) * band->stride_w + (s->kernel_w - 1) * band->dilation_w + 1;
  band->in_c = call->in[0].c;
  band->out_w = pixels;
  band->out_c = call->out.c;
  const uint64_t window = (uint64_t)s->kernel_h * s->kernel_w * (uint32_t)(band->depth > 0 ? 1 : band->in_c);
  return s->zoom_h == 0 && s->zoom_w == 0 && is_small(s->kernel_h, band->in_w, band->in_c) &&
         is_small(1, band->out_w, band->out_c) && window <= UINT16_MAX && window * (uint32_t)band->out_c <= MOST_BYTES;
}

/* The input itself, where it is a band already; else NULL. */
static const int8_t *find_band(const msf_call *call) {
  if (!msf_reads_one_pixel(call->stage) || !msf_same_size(call)) return 0;
  const int8_t *at = msf_pixels(&call->in[0], call->y, call->x0, call->x1 - call->x0);
  return !MSF_LIBRARY_ALIGNED || is_aligned(at) ? at : 0;
}

static void im2col(const msf_call *call, int32_t columns, int8_t *to) {
  const msf_stage *s = call->stage;
  int32_t y = msf_top(s, call->y);
  for (int32_t ky = s->kernel_h; ky > 0; ky--, y += s->dilation_h) {
    const int is_inside = y >= 0 && y < call->in[0].h;
    to = is_inside ? msf_im2col_row(call, y, msf_left(s, call->x0), columns, to)
                   : msf_fill(to, s->in_zero[0], columns * call->in[0].c);
  }
}

/* A scale for every output channel. multipliers is NULL where those of the stage are that already. */
static void widen_scales(const msf_call *call, int32_t channels, int32_t *multipliers, int32_t *shifts) {
  const msf_outputs from = msf_outputs_of(call);
  for (int32_t o = 0; o < channels; o++) shifts[o] = from.shifts[o & from.scale_mask];
  if (multipliers == 0) return;
  for (int32_t o = 0; o < channels; o++) multipliers[o] = from.multipliers[o & from.scale_mask];
}

int msf_library_convolve(const msf_call *call) {
  const msf_stage *s = call->stage;
  int8_t *out = msf_pixels(&call->out, call->y, call->x0, call->x1 - call->x0);
  room left = whole_room();
  msf_band band;
  if (!measure(call, &band)) return 0;
  const int32_t out_size = band.out_w * band.out_c;
  int8_t *copy = 0;
  int32_t *multipliers = 0;
  band.in = find_band(call);
  band.out = out;
  band.weights = msf_bytes(call, s->weights);
  band.bias = msf_words(call, s->bias);
  band.multipliers = msf_words(call, s->multipliers);
  if (band.in == 0) band.in = copy = (int8_t *)cut(&left, s->kernel_h * band.in_w * band.in_c);
  if (MSF_LIBRARY_ALIGNED && !is_aligned(out)) band.out = (int8_t *)cut(&left, out_size);
  if (s->flags & MSF_UNIFORM) band.multipliers = multipliers = (int32_t *)cut(&left, 4 * band.out_c);
  int32_t *shifts = (int32_t *)cut(&left, 4 * band.out_c);
  band.shifts = shifts;
  if (band.in == 0 || band.out == 0 || band.multipliers == 0 || shifts == 0) return 0;
  if (MSF_LIBRARY_ALIGNED && !(is_aligned(band.weights) && is_aligned(band.bias))) return 0;
  const int32_t wanted = msf_library_buffer_size(&band);
  if (wanted < 0 || (uint32_t)wanted > left.left) return 0;
  band.buffer = left.at;
  band.buffer_size = wanted;
  if (copy != 0) im2col(call, band.in_w, copy);
  widen_scales(call, band.out_c, multipliers, shifts);
  if (!msf_library_run(&band)) return 0;
  if (band.out != out) msf_copy(out, band.out, out_size);
  return 1;
}

#endif
