/*
 * A QEMU plugin (API version 1) that counts the guest's instructions between two marks.
 *
 *   -plugin libcount.so,begin=d246,end=db46,counts=counts.txt
 *
 * begin and end are the bytes of two instructions, in memory order. Every time an end follows a begin, a line
 * "region N" is written: N instructions ran between the two, the marks not included. At exit "total N".
 *
 * Debian ships no header for plugins, so the few functions that are used are declared here as QEMU documents them.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define MAX_OPCODE 4
enum { NO_REGISTERS = 0, INLINE_ADD = 0 };

typedef uint64_t PluginId;
typedef struct Block Block;
typedef struct Instruction Instruction;
typedef struct Info Info;

void qemu_plugin_register_vcpu_tb_trans_cb(PluginId, void (*)(PluginId, Block *));
void qemu_plugin_register_atexit_cb(PluginId, void (*)(PluginId, void *), void *);
void qemu_plugin_register_vcpu_insn_exec_cb(Instruction *, void (*)(unsigned, void *), int flags, void *);
void qemu_plugin_register_vcpu_insn_exec_inline(Instruction *, int operation, void *, uint64_t);
size_t qemu_plugin_tb_n_insns(const Block *);
Instruction *qemu_plugin_tb_get_insn(const Block *, size_t);
const void *qemu_plugin_insn_data(const Instruction *);
size_t qemu_plugin_insn_size(const Instruction *);

EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(PluginId id, const Info *info, int argc, char **argv);

typedef struct {
  uint8_t bytes[MAX_OPCODE];
  size_t size;
} Mark;

static Mark begin_mark, end_mark;
static uint64_t executed, begun_at;
static bool inside;
static FILE *out;

static void on_begin(unsigned cpu, void *data) {
  (void)cpu;
  (void)data;
  begun_at = executed;
  inside = true;
}

static void on_end(unsigned cpu, void *data) {
  (void)cpu;
  (void)data;
  if (!inside) return;
  fprintf(out, "region %llu\n", (unsigned long long)(executed - begun_at - 1)); /* this mark has been counted too */
  inside = false;
}

static bool is(const Mark *mark, const Instruction *instruction) {
  return qemu_plugin_insn_size(instruction) == mark->size &&
         memcmp(qemu_plugin_insn_data(instruction), mark->bytes, mark->size) == 0;
}

static void on_translation(PluginId id, Block *block) {
  (void)id;
  for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
    Instruction *instruction = qemu_plugin_tb_get_insn(block, i);
    qemu_plugin_register_vcpu_insn_exec_inline(instruction, INLINE_ADD, &executed, 1);
    if (is(&begin_mark, instruction)) {
      qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_begin, NO_REGISTERS, NULL);
    } else if (is(&end_mark, instruction)) {
      qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_end, NO_REGISTERS, NULL);
    }
  }
}

static void on_exit_of_qemu(PluginId id, void *data) {
  (void)id;
  (void)data;
  fprintf(out, "total %llu\n", (unsigned long long)executed);
  fclose(out);
}

static bool parse_mark(const char *hex, Mark *mark) {
  unsigned value;
  for (mark->size = 0; mark->size < MAX_OPCODE && sscanf(hex + 2 * mark->size, "%2x", &value) == 1; mark->size++) {
    mark->bytes[mark->size] = (uint8_t)value;
  }
  return mark->size > 0;
}

int qemu_plugin_install(PluginId id, const Info *info, int argc, char **argv) {
  bool ok = true;
  (void)info;
  for (int i = 0; i < argc; i++) {
    if (strncmp(argv[i], "begin=", 6) == 0) ok = ok && parse_mark(argv[i] + 6, &begin_mark);
    if (strncmp(argv[i], "end=", 4) == 0) ok = ok && parse_mark(argv[i] + 4, &end_mark);
    if (strncmp(argv[i], "counts=", 7) == 0) out = fopen(argv[i] + 7, "w");
  }
  if (!ok || begin_mark.size == 0 || end_mark.size == 0 || out == NULL) {
    fprintf(stderr, "count: needs begin=, end= (hexadecimal) and counts= (a file that can be written)\n");
    return 1;
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
  qemu_plugin_register_atexit_cb(id, on_exit_of_qemu, NULL);
  return 0;
}
