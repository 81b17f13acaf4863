/* What a project may call of Zephyr's kernel, declared by these tests. */
#ifndef ZEPHYR_KERNEL_H_
#define ZEPHYR_KERNEL_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

int64_t k_uptime_ticks(void);
uint64_t k_ticks_to_us_floor64(uint64_t ticks);
int32_t k_msleep(int32_t milliseconds);

#ifdef __cplusplus
}
#endif

#endif /* ZEPHYR_KERNEL_H_ */
