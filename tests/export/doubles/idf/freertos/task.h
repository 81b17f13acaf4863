extern "C" void vTaskDelay(unsigned long ticks);
