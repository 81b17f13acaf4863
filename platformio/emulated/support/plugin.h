/*
 * What plugins for QEMU (API version 1) here share: declarations, and the marks between which they look.
 *
 * Debian ships no header for plugins, so the few functions that are used are declared here as QEMU documents them.
 */
#ifndef PLUGIN_H_
#define PLUGIN_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define MAX_OPCODE 4
enum { NO_REGISTERS = 0, INLINE_ADD = 0, READS_AND_WRITES = 3 };

typedef uint64_t PluginId;
typedef uint32_t MemoryInfo;
typedef struct Block Block;
typedef struct Instruction Instruction;
typedef struct Info Info;

void qemu_plugin_register_vcpu_tb_trans_cb(PluginId, void (*)(PluginId, Block *));
void qemu_plugin_register_vcpu_tb_exec_cb(Block *, void (*)(unsigned, void *), int flags, void *);
void qemu_plugin_register_atexit_cb(PluginId, void (*)(PluginId, void *), void *);
void qemu_plugin_register_vcpu_insn_exec_cb(Instruction *, void (*)(unsigned, void *), int flags, void *);
void qemu_plugin_register_vcpu_insn_exec_inline(Instruction *, int operation, void *, uint64_t);
void qemu_plugin_register_vcpu_mem_cb(Instruction *, void (*)(unsigned, MemoryInfo, uint64_t, void *), int flags,
                                      int direction, void *);
bool qemu_plugin_mem_is_store(MemoryInfo);
unsigned qemu_plugin_mem_size_shift(MemoryInfo);
size_t qemu_plugin_tb_n_insns(const Block *);
Instruction *qemu_plugin_tb_get_insn(const Block *, size_t);
const void *qemu_plugin_insn_data(const Instruction *);
size_t qemu_plugin_insn_size(const Instruction *);
uint64_t qemu_plugin_insn_vaddr(const Instruction *);

EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(PluginId id, const Info *info, int argc, char **argv);

/* The bytes of an instruction, in memory order. */
typedef struct {
  uint8_t bytes[MAX_OPCODE];
  size_t size;
} Mark;

static inline bool is_mark(const Mark *mark, const Instruction *instruction) {
  return qemu_plugin_insn_size(instruction) == mark->size &&
         memcmp(qemu_plugin_insn_data(instruction), mark->bytes, mark->size) == 0;
}

static inline bool parse_mark(const char *hex, Mark *mark) {
  unsigned value;
  for (mark->size = 0; mark->size < MAX_OPCODE && sscanf(hex + 2 * mark->size, "%2x", &value) == 1; mark->size++) {
    mark->bytes[mark->size] = (uint8_t)value;
  }
  return mark->size > 0;
}

/* The value of an argument "name=value", or NULL if it has another name. */
static inline const char *value_of(const char *argument, const char *name) {
  const size_t length = strlen(name);
  return strncmp(argument, name, length) == 0 && argument[length] == '=' ? argument + length + 1 : NULL;
}

/* What every plugin is told: the marks between which it looks, and the file that it writes. */
typedef struct {
  Mark begin, end;
  FILE *out;
} Settings;

/* Takes an argument that all plugins have; others are left alone. Returns false if it is one, and wrong. */
static inline bool read_setting(const char *argument, Settings *settings) {
  const char *value;
  if ((value = value_of(argument, "begin")) != NULL) return parse_mark(value, &settings->begin);
  if ((value = value_of(argument, "end")) != NULL) return parse_mark(value, &settings->end);
  if ((value = value_of(argument, "counts")) != NULL) settings->out = fopen(value, "w");
  return true;
}

static inline bool is_told_all(const Settings *settings) {
  return settings->begin.size != 0 && settings->end.size != 0 && settings->out != NULL;
}

#endif /* PLUGIN_H_ */
