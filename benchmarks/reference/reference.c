#include "reference.h"

#define ADD_LEFT_SHIFT 20

/* value * multiplier / 2^31, rounded to nearest, ties away from zero except that negative ones go up. */
static int32_t doubling_high(int32_t value, int32_t multiplier) {
  const int64_t product = (int64_t)value * multiplier;
  const int32_t nudge = product >= 0 ? 1 << 30 : 1 - (1 << 30);
  if (value == INT32_MIN && multiplier == INT32_MIN) return INT32_MAX;
  return (int32_t)((product + nudge) / (1ll << 31));
}

/* value / 2^exponent, rounded to nearest, ties away from zero. */
static int32_t rounding_divide(int32_t value, int exponent) {
  const int32_t mask = (int32_t)((1ll << exponent) - 1);
  const int32_t threshold = (mask >> 1) + (value < 0 ? 1 : 0);
  return (value >> exponent) + ((value & mask) > threshold ? 1 : 0);
}

static int32_t rescale(int32_t value, int32_t multiplier, int shift) {
  const int left = shift > 0 ? shift : 0;
  const int right = shift > 0 ? 0 : -shift;
  return rounding_divide(doubling_high(value * (1 << left), multiplier), right);
}

static int8_t clamp(int32_t value, const reference_layer *layer) {
  if (value < layer->act_min) value = layer->act_min;
  if (value > layer->act_max) value = layer->act_max;
  return (int8_t)value;
}

static int32_t offset(const reference_map *map, int32_t y, int32_t x, int32_t c) {
  return (y * map->w + x) * map->c + c;
}

static int8_t output(const reference_layer *layer, int32_t acc, int32_t channel) {
  acc += layer->bias[channel];
  acc = rescale(acc, layer->multipliers[channel], layer->shifts[channel]);
  return clamp(acc + layer->out.zero, layer);
}

void reference_conv_2d(const reference_layer *layer) {
  const reference_tensor *in = &layer->in[0];
  const reference_tensor *out = &layer->out;
  for (int32_t y = 0; y < out->map.h; y++) {
    for (int32_t x = 0; x < out->map.w; x++) {
      for (int32_t o = 0; o < out->map.c; o++) {
        int32_t acc = 0;
        for (int32_t ky = 0; ky < layer->kernel_h; ky++) {
          const int32_t in_y = y * layer->stride_h - layer->pad_top + ky * layer->dilation_h;
          for (int32_t kx = 0; kx < layer->kernel_w; kx++) {
            const int32_t in_x = x * layer->stride_w - layer->pad_left + kx * layer->dilation_w;
            if (in_y < 0 || in_y >= in->map.h || in_x < 0 || in_x >= in->map.w) continue;
            for (int32_t i = 0; i < in->map.c; i++) {
              const int32_t value = in->data[offset(&in->map, in_y, in_x, i)];
              const int32_t weight =
                  layer->weights[((o * layer->kernel_h + ky) * layer->kernel_w + kx) * in->map.c + i];
              acc += weight * (value - in->zero);
            }
          }
        }
        out->data[offset(&out->map, y, x, o)] = output(layer, acc, o);
      }
    }
  }
}

void reference_depthwise_conv_2d(const reference_layer *layer) {
  const reference_tensor *in = &layer->in[0];
  const reference_tensor *out = &layer->out;
  const int32_t multiplier = layer->arg[0];
  for (int32_t y = 0; y < out->map.h; y++) {
    for (int32_t x = 0; x < out->map.w; x++) {
      for (int32_t i = 0; i < in->map.c; i++) {
        for (int32_t m = 0; m < multiplier; m++) {
          const int32_t o = i * multiplier + m;
          int32_t acc = 0;
          for (int32_t ky = 0; ky < layer->kernel_h; ky++) {
            const int32_t in_y = y * layer->stride_h - layer->pad_top + ky * layer->dilation_h;
            for (int32_t kx = 0; kx < layer->kernel_w; kx++) {
              const int32_t in_x = x * layer->stride_w - layer->pad_left + kx * layer->dilation_w;
              if (in_y < 0 || in_y >= in->map.h || in_x < 0 || in_x >= in->map.w) continue;
              const int32_t value = in->data[offset(&in->map, in_y, in_x, i)];
              const int32_t weight = layer->weights[(ky * layer->kernel_w + kx) * out->map.c + o];
              acc += weight * (value - in->zero);
            }
          }
          out->data[offset(&out->map, y, x, o)] = output(layer, acc, o);
        }
      }
    }
  }
}

void reference_fully_connected(const reference_layer *layer) {
  const reference_tensor *in = &layer->in[0];
  const int32_t depth = in->map.h * in->map.w * in->map.c;
  for (int32_t o = 0; o < layer->out.map.c; o++) {
    int32_t acc = 0;
    for (int32_t i = 0; i < depth; i++) acc += layer->weights[o * depth + i] * (in->data[i] - in->zero);
    layer->out.data[o] = output(layer, acc, o);
  }
}

void reference_add(const reference_layer *layer) {
  const int32_t count = layer->out.map.h * layer->out.map.w * layer->out.map.c;
  for (int32_t i = 0; i < count; i++) {
    const int32_t a = (layer->in[0].data[i] - layer->in[0].zero) * (1 << ADD_LEFT_SHIFT);
    const int32_t b = (layer->in[1].data[i] - layer->in[1].zero) * (1 << ADD_LEFT_SHIFT);
    const int32_t sum = rescale(a, layer->arg[0], layer->arg[1]) + rescale(b, layer->arg[2], layer->arg[3]);
    layer->out.data[i] = clamp(rescale(sum, layer->arg[4], layer->arg[5]) + layer->out.zero, layer);
  }
}

void reference_average_pool(const reference_layer *layer) {
  const reference_tensor *in = &layer->in[0];
  const int32_t count = in->map.h * in->map.w;
  for (int32_t c = 0; c < in->map.c; c++) {
    int32_t sum = 0;
    for (int32_t y = 0; y < in->map.h; y++) {
      for (int32_t x = 0; x < in->map.w; x++) sum += in->data[offset(&in->map, y, x, c)];
    }
    sum = sum > 0 ? (sum + count / 2) / count : (sum - count / 2) / count;
    layer->out.data[c] = clamp(sum, layer);
  }
}
