/* What projects call of Zephyr's microphone interface; the 30th block ends the program. */
#ifndef DOUBLE_DMIC_H_
#define DOUBLE_DMIC_H_

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zephyr/device.h>

struct k_mem_slab {
  uint8_t *blocks;
};
#define K_MEM_SLAB_DEFINE_STATIC(name, size, count, align) \
  static uint8_t name##_memory[(size) * (count)];          \
  static struct k_mem_slab name = {name##_memory}
inline void k_mem_slab_free(struct k_mem_slab *slab, void *block) {
  if (block != slab->blocks) exit(1);
}

enum dmic_trigger { DMIC_TRIGGER_STOP, DMIC_TRIGGER_START };
enum pdm_lr { PDM_CHAN_LEFT, PDM_CHAN_RIGHT };
struct pdm_io_cfg {
  uint32_t min_pdm_clk_freq, max_pdm_clk_freq;
  uint8_t min_pdm_clk_dc, max_pdm_clk_dc;
};
struct pcm_stream_cfg {
  uint32_t pcm_rate;
  uint8_t pcm_width;
  uint16_t block_size;
  struct k_mem_slab *mem_slab;
};
struct pdm_chan_cfg {
  uint32_t req_chan_map_lo;
  uint8_t req_num_chan, req_num_streams;
};
struct dmic_cfg {
  struct pdm_io_cfg io;
  struct pcm_stream_cfg *streams;
  struct pdm_chan_cfg channel;
};

static struct pcm_stream_cfg double_stream;

inline uint32_t dmic_build_channel_map(uint8_t channel, uint8_t pdm, enum pdm_lr lr) {
  return static_cast<uint32_t>(pdm << 1 | lr) << (channel * 4);
}
inline int dmic_configure(const struct device *, struct dmic_cfg *config) {
  double_stream = *config->streams;
  return config->channel.req_num_chan == 1 && double_stream.pcm_rate == 16000 ? 0 : -1;
}
inline int dmic_trigger(const struct device *, enum dmic_trigger) { return 0; }
inline int dmic_read(const struct device *, uint8_t, void **block, size_t *size, int32_t) {
  static int reads;
  if (++reads == 30) exit(0);
  *block = double_stream.mem_slab->blocks;
  *size = double_stream.block_size;
  memset(*block, 1, *size);
  return 0;
}

#endif
