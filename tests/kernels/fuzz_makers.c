#include <stdlib.h>

#include "fuzz_draft.h"

static uint32_t below(const fuzz_making *m, uint32_t limit) { return fuzz_below(m->draft, limit); }
static int once_in(const fuzz_making *m, uint32_t n) { return fuzz_once_in(m->draft, n); }

static uint16_t channels(const fuzz_making *m) { return (uint16_t)(1 + below(m, once_in(m, 8) ? 12 : 5)); }

/* A shift that scales may have; here and there one that they may not. */
static int32_t shift(const fuzz_making *m) {
  if (once_in(m, 64)) return (int32_t)below(m, 70) - 35;
  return once_in(m, 4) ? (int32_t)below(m, 62) - 31 : -(int32_t)below(m, 12);
}

static int32_t multiplier(const fuzz_making *m) {
  const uint32_t any = fuzz_random(m->draft->random);
  return (int32_t)(once_in(m, 8) ? any : (any >> 2) + (1u << 30));
}

/* Bias and scales for the output's channels. */
static void make_scales(const fuzz_making *m) {
  msf_stage *s = m->stage;
  const int is_packed = s->layout == MSF_LAYOUT_PACKED;
  const uint32_t outputs = m->out->c;
  if (is_packed ? once_in(m, 64) : once_in(m, 3)) s->flags |= MSF_UNIFORM;
  const uint32_t scales = s->flags & MSF_UNIFORM ? 1 : outputs;
  s->bias = fuzz_put_params(m->draft, 4 * outputs, 4);
  s->multipliers = fuzz_put_params(m->draft, 4 * scales, 4);
  s->shifts = fuzz_put_params(m->draft, scales, 1);
  for (uint32_t o = 0; o < scales; o++) {
    m->draft->params[s->shifts + o] = (uint8_t)(is_packed ? (int32_t)(1 + below(m, MSF_MAX_SHORT_SHIFT)) : shift(m));
  }
}

/* Rows and columns of the output: those that windows fill, about. */
static void make_size(const fuzz_making *m) {
  const msf_stage *s = m->stage;
  if (!m->is_free) return;
  const int32_t h = m->in->h + s->pad_top - (s->kernel_h - 1) * s->dilation_h, rows = h / s->stride_h;
  const int32_t w = m->in->w + s->pad_left - (s->kernel_w - 1) * s->dilation_w, columns = w / s->stride_w;
  m->out->h = (uint16_t)msf_max(rows + (int32_t)below(m, 2), 1);
  m->out->w = (uint16_t)msf_max(columns + (int32_t)below(m, 2), 1);
}

static void make_kernel(const fuzz_making *m) {
  msf_stage *s = m->stage;
  if (m->is_in_step) return;
  s->kernel_h = (uint16_t)(1 + below(m, once_in(m, 16) ? 9 : 3));
  s->kernel_w = (uint16_t)(1 + below(m, once_in(m, 16) ? 9 : 3));
  s->stride_h = (uint8_t)(1 + below(m, 3) / 2);
  s->stride_w = (uint8_t)(1 + below(m, 3) / 2);
  s->pad_top = (int16_t)below(m, s->kernel_h + 1u);
  s->pad_left = (int16_t)below(m, s->kernel_w + 1u);
  if (once_in(m, 8)) s->pad_top = (int16_t) - (int32_t)below(m, m->in->h);
  if (once_in(m, 16)) s->pad_left = (int16_t) - (int32_t)below(m, m->in->w);
}

static void make_dilation(const fuzz_making *m) {
  if (!once_in(m, 4)) return;
  m->stage->dilation_h = (uint8_t)(1 + below(m, 3));
  m->stage->dilation_w = (uint8_t)(1 + below(m, 3));
}

static void make_source(fuzz_making *m) {
  static const int32_t formats[] = {MSF_PIXELS_AS_THEY_ARE, MSF_PIXELS_BYTES, MSF_PIXELS_RGB565, MSF_PIXELS_RGB565_LE};
  const int32_t format = formats[below(m, 4)];
  m->out->h = (uint16_t)(1 + below(m, 6));
  m->out->w = (uint16_t)(1 + below(m, 6));
  m->out->c = format >= MSF_PIXELS_RGB565 && !once_in(m, 16) ? 3 : channels(m);
  m->stage->arg[0] = once_in(m, 64) ? (int32_t)below(m, 8) - 2 : format;
  m->stage->weights = fuzz_put_params(m->draft, 256, 1);
}

/* Scratch, as far as the workspace goes; at times a little off. */
static void make_scratch(const fuzz_making *m) {
  msf_stage *s = m->stage;
  if (m->draft->header.version == 1 || once_in(m, 2)) return;
  s->flags |= MSF_SCRATCH;
  s->scratch_size = 4 * below(m, 64);
  s->scratch = fuzz_take_workspace(m->draft, s->scratch_size, 4) + (uint32_t)once_in(m, 64);
}

static void make_conv_2d(fuzz_making *m) {
  msf_stage *s = m->stage;
  make_kernel(m);
  make_dilation(m);
  make_size(m);
  m->out->c = channels(m);
  s->layout = (uint8_t)below(m, 2);
  const uint32_t size = (uint32_t)s->kernel_h * s->kernel_w * m->in->c;
  const uint32_t whole = s->layout == MSF_LAYOUT_PACKED ? (size + 3) / 4 * 4 : size;
  s->weights = fuzz_put_params(m->draft, whole * m->out->c, 4);
  s->arg[0] = (int32_t)fuzz_put_params(m->draft, m->in->c, 1);
  make_scales(m);
  make_scratch(m);
}

static void make_grouped_conv_2d(fuzz_making *m) {
  msf_stage *s = m->stage;
  make_kernel(m);
  make_dilation(m);
  make_size(m);
  const uint32_t divisors[] = {1, m->in->c, m->in->c % 2 == 0 ? m->in->c / 2 : 1, 1 + below(m, m->in->c)};
  const uint32_t depth = divisors[below(m, once_in(m, 8) ? 4 : 3)];
  s->arg[0] = (int32_t)(once_in(m, 64) ? 0 : depth);
  m->out->c = (uint16_t)(m->in->c / depth * (1 + below(m, 2)) + (uint32_t)once_in(m, 16));
  s->weights = fuzz_put_params(m->draft, (uint32_t)s->kernel_h * s->kernel_w * depth * m->out->c, 1);
  make_scales(m);
}

static void make_depthwise_conv_2d(fuzz_making *m) {
  msf_stage *s = m->stage;
  make_kernel(m);
  make_dilation(m);
  make_size(m);
  s->layout = (uint8_t)below(m, 2);
  s->arg[0] = s->layout == MSF_LAYOUT_PACKED ? 1 : (int32_t)(1 + below(m, 2));
  m->out->c = (uint16_t)(m->in->c * s->arg[0]);
  s->weights = fuzz_put_params(m->draft, (uint32_t)s->kernel_h * s->kernel_w * m->out->c, 4);
  s->arg[1] = (int32_t)fuzz_put_params(m->draft, m->in->c, 4);
  make_scales(m);
}

static void make_pool(fuzz_making *m) {
  make_kernel(m);
  make_size(m);
  m->out->c = m->in->c;
}

/* A pixel from the same pixel. */
static void make_one_pixel(const fuzz_making *m) {
  if (m->is_free) {
    m->out->h = m->in->h;
    m->out->w = m->in->w;
  }
  m->out->c = m->in->c;
}

static void make_scaled_args(const fuzz_making *m, int32_t count) {
  for (int32_t i = 0; i < count; i += 2) {
    m->stage->arg[i] = multiplier(m);
    m->stage->arg[i + 1] = shift(m);
  }
}

/* A pixel from those of two inputs; at times of one pixel that serves all. */
static void make_two(fuzz_making *m) {
  make_one_pixel(m);
  const int serves_all = once_in(m, 3);
  fuzz_find_second(m, serves_all ? 1 : m->out->h, serves_all ? 1 : m->out->w, m->in->c);
  make_scaled_args(m, 6);
}

static void make_table(fuzz_making *m) {
  make_one_pixel(m);
  m->stage->weights = fuzz_put_params(m->draft, 256, 1);
}

static void make_gather(fuzz_making *m) {
  make_one_pixel(m);
  m->out->c = channels(m);
  m->stage->weights = fuzz_put_params(m->draft, 2u * m->out->c, 2);
  uint8_t *table = m->draft->params + m->stage->weights;
  for (uint32_t c = 0; c < m->out->c; c++) {
    table[2 * c] = (uint8_t)(below(m, m->in->c) + once_in(m, 64));
    table[2 * c + 1] = (uint8_t)once_in(m, 256);
  }
}

static void make_table_of_words(fuzz_making *m) {
  make_one_pixel(m);
  m->out->c = (uint16_t)(4u * m->in->c + (uint32_t)once_in(m, 32));
  m->stage->weights = fuzz_put_params(m->draft, 1024, 1);
}

static void make_arg_max(fuzz_making *m) {
  make_one_pixel(m);
  m->out->c = (uint16_t)(4 - once_in(m, 32));
  m->stage->arg[0] = (int32_t)below(m, 2);
}

static void make_softmax(fuzz_making *m) {
  make_one_pixel(m);
  m->stage->weights = fuzz_put_params(m->draft, 1024, 4);
}

static void make_pad(fuzz_making *m) {
  msf_stage *s = m->stage;
  if (!m->is_in_step) {
    s->pad_top = (int16_t)below(m, 3);
    s->pad_left = (int16_t)below(m, 3);
  }
  make_size(m);
  s->arg[0] = (int32_t)below(m, 3);
  m->out->c = (uint16_t)(m->in->c + s->arg[0] + (int32_t)below(m, 2));
}

static void make_reduced(const fuzz_making *m) {
  m->out->h = 1;
  m->out->w = 1;
  m->stage->accumulators = fuzz_take_workspace(m->draft, 4u * m->out->c, 4);
}

static void make_global_pool(fuzz_making *m) {
  m->out->c = m->in->c;
  make_reduced(m);
  m->stage->arg[0] = (int32_t)below(m, 3);
  m->stage->arg[1] = multiplier(m);
  m->stage->arg[2] = shift(m);
}

static void make_fully_connected(fuzz_making *m) {
  m->out->c = (uint16_t)(1 + below(m, 4));
  make_reduced(m);
  m->stage->weights = fuzz_put_params(m->draft, (uint32_t)m->in->h * m->in->w * m->in->c * m->out->c, 1);
  make_scales(m);
}

static void make_concatenation(fuzz_making *m) {
  make_one_pixel(m);
  const msf_tensor *second = fuzz_find_second(m, m->out->h, m->out->w, 0);
  m->out->c = (uint16_t)(m->in->c + second->c);
}

/* Where a slice begins, its step, and how much of it there is, along an axis. */
static uint16_t make_cut(const fuzz_making *m, uint16_t size, int16_t *pad, uint8_t *stride) {
  *stride = (uint8_t)(1 + below(m, 2));
  const uint32_t begin = below(m, size);
  *pad = (int16_t) - (int32_t)begin;
  return (uint16_t)(1 + below(m, (size - 1u - begin) / *stride + 1));
}

static void make_slice(fuzz_making *m) {
  msf_stage *s = m->stage;
  if (m->is_free) {
    m->out->h = make_cut(m, m->in->h, &s->pad_top, &s->stride_h);
    m->out->w = make_cut(m, m->in->w, &s->pad_left, &s->stride_w);
  }
  s->arg[0] = (int32_t)below(m, m->in->c);
  m->out->c = (uint16_t)(1 + below(m, m->in->c - (uint32_t)s->arg[0]));
}

/* A block for an axis of an input. */
static uint16_t block(const fuzz_making *m, uint16_t size, uint16_t out_size) {
  if (m->is_in_step) return 1;
  if (m->is_free) return (uint16_t)(1 + below(m, (uint32_t)msf_min(size, 3)));
  return (uint16_t)msf_min(msf_max(size / out_size, 1), 9);
}

static void make_space_to_depth(fuzz_making *m) {
  msf_stage *s = m->stage;
  s->kernel_h = block(m, m->in->h, m->out->h);
  s->kernel_w = block(m, m->in->w, m->out->w);
  s->stride_h = (uint8_t)s->kernel_h;
  s->stride_w = (uint8_t)s->kernel_w;
  if (m->is_free) {
    m->out->h = (uint16_t)(m->in->h / s->stride_h);
    m->out->w = (uint16_t)(m->in->w / s->stride_w);
  }
  m->out->c = (uint16_t)(m->in->c * s->kernel_h * s->kernel_w);
}

static void make_depth_to_space(fuzz_making *m) {
  msf_stage *s = m->stage;
  const uint32_t c = m->in->c;
  uint32_t rows = 1 + below(m, 3), columns = 1 + below(m, 3);
  if (m->is_in_step || c % (rows * columns) != 0) rows = columns = 1;
  s->zoom_h = (uint8_t)(rows - 1);
  s->zoom_w = (uint8_t)(columns - 1);
  if (m->is_free) {
    m->out->h = (uint16_t)(m->in->h * rows);
    m->out->w = (uint16_t)(m->in->w * columns);
  }
  m->out->c = (uint16_t)(c / (rows * columns));
}

/* The window that covers what the operator declares for every pixel; at times one that is a little too small. */
static void cover(const fuzz_making *m) {
  msf_stage *s = m->stage;
  const msf_operator *op = msf_operator_of(s);
  msf_stage_shape shape;
  int32_t kernel_h = 1, kernel_w = 1;
  if (m->is_in_step) return;
  shape.stage = s;
  shape.in[0] = m->in;
  shape.out = m->out;
  for (int32_t y = 0; y < m->out->h; y++) {
    const msf_range reads = op->reads(&shape, 0, y, 0).rows;
    s->pad_top = (int16_t)msf_max(s->pad_top, s->pad_top + msf_top(s, y) - reads.first);
  }
  for (int32_t x = 0; x < m->out->w; x++) {
    const msf_range reads = op->reads(&shape, 0, 0, x).columns;
    s->pad_left = (int16_t)msf_max(s->pad_left, s->pad_left + msf_left(s, x) - reads.first);
  }
  for (int32_t y = 0; y < m->out->h; y++) {
    kernel_h = msf_max(kernel_h, op->reads(&shape, 0, y, 0).rows.end - msf_top(s, y));
  }
  for (int32_t x = 0; x < m->out->w; x++) {
    kernel_w = msf_max(kernel_w, op->reads(&shape, 0, 0, x).columns.end - msf_left(s, x));
  }
  s->kernel_h = (uint16_t)(kernel_h - once_in(m, 32));
  s->kernel_w = (uint16_t)(kernel_w - once_in(m, 32));
}

/* How windows move: `stride` pixels for every `factor` outputs, for the first time somewhere in between. */
static uint16_t make_zoom(const fuzz_making *m, uint16_t size, uint16_t out_size, uint8_t *zoom, uint8_t *stride) {
  if (m->is_in_step) return out_size;
  const uint32_t factor = 1 + below(m, 4);
  *zoom = (uint8_t)(factor - 1 + (below(m, factor) << 4));
  *stride = (uint8_t)(1 + below(m, 3) / 2);
  return m->is_free ? (uint16_t)msf_max((int32_t)(size * factor / *stride), 1) : out_size;
}

static void make_resized(const fuzz_making *m) {
  msf_stage *s = m->stage;
  make_one_pixel(m);
  m->out->h = make_zoom(m, m->in->h, m->out->h, &s->zoom_h, &s->stride_h);
  m->out->w = make_zoom(m, m->in->w, m->out->w, &s->zoom_w, &s->stride_w);
}

static void make_resize_nearest_neighbor(fuzz_making *m) {
  make_resized(m);
  m->stage->arg[0] = (int32_t)below(m, 3);
  cover(m);
}

static int32_t scale(const fuzz_making *m, uint16_t size, uint16_t out_size) {
  return once_in(m, 16) ? (int32_t)(1 + below(m, 3000)) : (1024 * size + out_size / 2) / out_size;
}

static void make_resize_bilinear(fuzz_making *m) {
  msf_stage *s = m->stage;
  make_resized(m);
  s->arg[0] = scale(m, m->in->h, m->out->h);
  s->arg[1] = scale(m, m->in->w, m->out->w);
  s->arg[2] = (int32_t)below(m, 2);
  cover(m);
}

static void make_transpose_conv(fuzz_making *m) {
  msf_stage *s = m->stage;
  const uint32_t most = m->is_in_step && !once_in(m, 8) ? 1 : 4;
  const uint32_t rows = 1 + below(m, most), columns = 1 + below(m, most);
  s->arg[0] = (int32_t)rows;
  s->arg[1] = (int32_t)columns;
  s->arg[2] = (int32_t)below(m, rows);
  s->arg[3] = (int32_t)below(m, columns);
  make_resized(m);
  s->stride_h = s->stride_w = 1;
  if (m->is_free) {
    const int32_t more_rows = (int32_t)rows - s->arg[2], more_columns = (int32_t)columns - s->arg[3];
    m->out->h = (uint16_t)msf_max((m->in->h - 1) * msf_factor(s->zoom_h) + more_rows, 1);
    m->out->w = (uint16_t)msf_max((m->in->w - 1) * msf_factor(s->zoom_w) + more_columns, 1);
  }
  m->out->c = channels(m);
  s->weights = fuzz_put_params(m->draft, rows * columns * m->in->c * m->out->c, 1);
  make_scales(m);
  cover(m);
}

const fuzz_maker fuzz_makers[MSF_OP_COUNT] = {
    [MSF_OP_SOURCE] = {"SOURCE", make_source},
    [MSF_OP_CONV_2D] = {"CONV_2D", make_conv_2d},
    [MSF_OP_DEPTHWISE_CONV_2D] = {"DEPTHWISE_CONV_2D", make_depthwise_conv_2d},
    [MSF_OP_ADD] = {"ADD", make_two},
    [MSF_OP_MUL] = {"MUL", make_two},
    [MSF_OP_AVERAGE_POOL_2D] = {"AVERAGE_POOL_2D", make_pool},
    [MSF_OP_MAX_POOL_2D] = {"MAX_POOL_2D", make_pool},
    [MSF_OP_TABLE] = {"TABLE", make_table},
    [MSF_OP_PAD] = {"PAD", make_pad},
    [MSF_OP_GLOBAL_POOL] = {"GLOBAL_POOL", make_global_pool},
    [MSF_OP_FULLY_CONNECTED] = {"FULLY_CONNECTED", make_fully_connected},
    [MSF_OP_SUB] = {"SUB", make_two},
    [MSF_OP_MAXIMUM] = {"MAXIMUM", make_two},
    [MSF_OP_MINIMUM] = {"MINIMUM", make_two},
    [MSF_OP_PRELU] = {"PRELU", make_two},
    [MSF_OP_SOFTMAX] = {"SOFTMAX", make_softmax},
    [MSF_OP_CONCATENATION] = {"CONCATENATION", make_concatenation},
    [MSF_OP_SLICE] = {"SLICE", make_slice},
    [MSF_OP_SPACE_TO_DEPTH] = {"SPACE_TO_DEPTH", make_space_to_depth},
    [MSF_OP_DEPTH_TO_SPACE] = {"DEPTH_TO_SPACE", make_depth_to_space},
    [MSF_OP_RESIZE_NEAREST_NEIGHBOR] = {"RESIZE_NEAREST_NEIGHBOR", make_resize_nearest_neighbor},
    [MSF_OP_RESIZE_BILINEAR] = {"RESIZE_BILINEAR", make_resize_bilinear},
    [MSF_OP_TRANSPOSE_CONV] = {"TRANSPOSE_CONV", make_transpose_conv},
    [MSF_OP_GATHER] = {"GATHER", make_gather},
    [MSF_OP_GROUPED_CONV_2D] = {"GROUPED_CONV_2D", make_grouped_conv_2d},
    [MSF_OP_TABLE_OF_WORDS] = {"TABLE_OF_WORDS", make_table_of_words},
    [MSF_OP_ARG_MAX] = {"ARG_MAX", make_arg_max},
    [MSF_OP_SQUARED_DIFFERENCE] = {"SQUARED_DIFFERENCE", make_two},
};
