/*
 * A QEMU plugin that counts the guest's instructions between two marks.
 *
 *   -plugin libcount.so,begin=d246,end=db46,counts=counts.txt
 *
 * begin and end are the bytes of two instructions, in memory order. Every time an end follows a begin, a line
 * "region instructions N" is written: N instructions ran between the two, the marks not included. At exit "total N".
 *
 * With from=0x21000000,size=0x1000000 the line goes on with "loaded N stored N": bytes read and written at these addresses.
 */
#include <stdlib.h>

#include "plugin.h"

static Settings settings;
static uint64_t executed, begun_at;
static uint64_t from, size, loaded, stored;
static bool inside;

static void on_begin(unsigned cpu, void *data) {
  (void)cpu;
  (void)data;
  begun_at = executed;
  loaded = stored = 0;
  inside = true;
}

static void on_end(unsigned cpu, void *data) {
  (void)cpu;
  (void)data;
  if (!inside) return;
  fprintf(settings.out, "region instructions %llu",
          (unsigned long long)(executed - begun_at - 1)); /* this mark has been counted too */
  if (size != 0) {
    fprintf(settings.out, " loaded %llu stored %llu", (unsigned long long)loaded, (unsigned long long)stored);
  }
  fprintf(settings.out, "\n");
  inside = false;
}

static void on_memory(unsigned cpu, MemoryInfo info, uint64_t address, void *data) {
  (void)cpu;
  (void)data;
  if (!inside || address - from >= size) return;
  *(qemu_plugin_mem_is_store(info) ? &stored : &loaded) += 1u << qemu_plugin_mem_size_shift(info);
}

static void on_translation(PluginId id, Block *block) {
  (void)id;
  for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
    Instruction *instruction = qemu_plugin_tb_get_insn(block, i);
    qemu_plugin_register_vcpu_insn_exec_inline(instruction, INLINE_ADD, &executed, 1);
    if (size != 0) {
      qemu_plugin_register_vcpu_mem_cb(instruction, on_memory, NO_REGISTERS, READS_AND_WRITES, NULL);
    }
    if (is_mark(&settings.begin, instruction)) {
      qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_begin, NO_REGISTERS, NULL);
    } else if (is_mark(&settings.end, instruction)) {
      qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_end, NO_REGISTERS, NULL);
    }
  }
}

static void on_exit_of_qemu(PluginId id, void *data) {
  (void)id;
  (void)data;
  fprintf(settings.out, "total %llu\n", (unsigned long long)executed);
  fclose(settings.out);
}

int qemu_plugin_install(PluginId id, const Info *info, int argc, char **argv) {
  bool ok = true;
  (void)info;
  for (int i = 0; i < argc; i++) {
    const char *value;
    ok = read_setting(argv[i], &settings) && ok;
    if ((value = value_of(argv[i], "from")) != NULL) from = strtoull(value, NULL, 0);
    if ((value = value_of(argv[i], "size")) != NULL) size = strtoull(value, NULL, 0);
  }
  if (!ok || !is_told_all(&settings)) {
    fprintf(stderr, "count: needs begin=, end= (hexadecimal) and counts= (a file that can be written)\n");
    return 1;
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
  qemu_plugin_register_atexit_cb(id, on_exit_of_qemu, NULL);
  return 0;
}
