/* Zephyr's console, declared by these tests. */
#ifdef __cplusplus
extern "C"
#endif
    void
    printk(const char *format, ...);
