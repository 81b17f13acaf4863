/* What a project may call of FreeRTOS, declared by these tests. */
#define pdMS_TO_TICKS(milliseconds) (milliseconds)
