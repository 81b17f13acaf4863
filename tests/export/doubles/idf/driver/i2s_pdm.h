/* What projects call of ESP-IDF's I2S driver; the 30th read ends the program. */
#ifndef DOUBLE_I2S_PDM_H_
#define DOUBLE_I2S_PDM_H_

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef int esp_err_t;
#define ESP_OK 0
typedef enum { GPIO_NUM_41 = 41, GPIO_NUM_42 = 42 } gpio_num_t;
typedef enum { I2S_NUM_0 } i2s_port_t;
typedef enum { I2S_ROLE_MASTER } i2s_role_t;
typedef enum { I2S_DATA_BIT_WIDTH_16BIT = 16 } i2s_data_bit_width_t;
typedef enum { I2S_SLOT_MODE_MONO = 1 } i2s_slot_mode_t;
typedef struct {
  i2s_port_t id;
  i2s_role_t role;
} i2s_chan_config_t;
typedef struct {
  uint32_t sample_rate_hz;
} i2s_pdm_rx_clk_config_t;
typedef struct {
  i2s_data_bit_width_t data_bit_width;
  i2s_slot_mode_t slot_mode;
} i2s_pdm_rx_slot_config_t;
typedef struct {
  gpio_num_t clk, din;
} i2s_pdm_rx_gpio_config_t;
typedef struct {
  i2s_pdm_rx_clk_config_t clk_cfg;
  i2s_pdm_rx_slot_config_t slot_cfg;
  i2s_pdm_rx_gpio_config_t gpio_cfg;
} i2s_pdm_rx_config_t;
typedef struct double_channel *i2s_chan_handle_t;
#define I2S_CHANNEL_DEFAULT_CONFIG(id, role) \
  { id, role }
#define I2S_PDM_RX_CLK_DEFAULT_CONFIG(rate) \
  { rate }
#define I2S_PDM_RX_SLOT_DEFAULT_CONFIG(bits, mode) \
  { bits, mode }

inline esp_err_t i2s_new_channel(const i2s_chan_config_t *, i2s_chan_handle_t *, i2s_chan_handle_t *) { return ESP_OK; }
inline esp_err_t i2s_channel_init_pdm_rx_mode(i2s_chan_handle_t, const i2s_pdm_rx_config_t *config) {
  return config->clk_cfg.sample_rate_hz == 16000 && config->gpio_cfg.din == GPIO_NUM_41 ? ESP_OK : -1;
}
inline esp_err_t i2s_channel_enable(i2s_chan_handle_t) { return ESP_OK; }
inline esp_err_t i2s_channel_read(i2s_chan_handle_t, void *to, size_t size, size_t *got, uint32_t) {
  static int reads;
  if (++reads == 30) exit(0);
  memset(to, 1, size);
  *got = size;
  return ESP_OK;
}

#endif
