/* What a project may call of Zephyr's device model, declared by these tests. */
#ifndef ZEPHYR_DEVICE_H_
#define ZEPHYR_DEVICE_H_

struct device {
  int unused;
};
static const struct device double_device = {0};
#define DT_CHOSEN(name) name
#define DT_NODELABEL(name) name
#define DEVICE_DT_GET(node) (&double_device)
static inline bool device_is_ready(const struct device *dev) { return dev == &double_device; }

#endif
