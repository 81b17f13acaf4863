/* What most operators read of their inputs. */
#include "kernel/msf_kernel.h"

static msf_range inside(msf_range range, int32_t size) {
  range.first = msf_max(range.first, 0);
  range.end = msf_min(range.end, size);
  return range;
}

static msf_range only(int32_t at) {
  const msf_range range = {at, at + 1};
  return range;
}

MSF_COLD msf_region msf_reads_window(const msf_stage_shape *shape, int32_t k, int32_t y, int32_t x) {
  const msf_tensor *in = shape->in[k];
  msf_region region;
  region.rows = inside(msf_window_rows(shape->stage, y, y), msf_height(in));
  region.columns = inside(msf_window_columns(shape->stage, x, x), in->w);
  region.channels = in->c;
  return region;
}

MSF_COLD msf_region msf_reads_pixel(const msf_stage_shape *shape, int32_t k, int32_t y, int32_t x) {
  const msf_tensor *in = shape->in[k];
  const int serves_all = k > 0 && msf_is_one_pixel(in);
  msf_region region;
  region.rows = only(serves_all ? 0 : y);
  region.columns = only(serves_all ? 0 : x);
  region.channels = in->c;
  return region;
}

MSF_COLD int msf_is_pointwise(const msf_stage_shape *shape) {
  return msf_reads_one_pixel(shape->stage) && msf_same_grid(shape->in[0], shape->out);
}
