/* Stands in for ESP-IDF: time passes, and the program ends when it has waited twice. */
#include <stdlib.h>

#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

extern "C" void app_main();

extern "C" int64_t esp_timer_get_time() {
  static int64_t now;
  return now += 10;
}

extern "C" void vTaskDelay(unsigned long) {
  static int calls;
  if (++calls == 2) exit(0);
}

int main() {
  app_main();
  return 1;
}
