#include "engine/msf_walk.h"

const msf_sizes msf_sizes_of_version[MSF_VERSION] = {
    {MSF_PROGRAM_SIZE_1, MSF_TENSOR_SIZE_1, MSF_STAGE_SIZE_1, MSF_GROUP_SIZE_1},
    {sizeof(msf_program), sizeof(msf_tensor), sizeof(msf_stage), sizeof(msf_group)},
};

const msf_tensor *msf_tensor_at(const msf_program *p, uint32_t index) {
  return (const msf_tensor *)msf_behind(p, msf_sizes_of(p)->header + index * msf_sizes_of(p)->tensor);
}

MSF_NOINLINE const msf_stage *msf_stage_at(const msf_program *p, uint32_t index) {
  return (const msf_stage *)msf_behind(msf_tensor_at(p, p->tensor_count), index * msf_sizes_of(p)->stage);
}

const msf_group *msf_group_at(const msf_program *p, uint32_t index) {
  return (const msf_group *)msf_behind(msf_stage_at(p, p->stage_count), index * msf_sizes_of(p)->group);
}

MSF_NOINLINE const msf_stage *msf_last_stage(const msf_program *p, const msf_group *g) {
  return msf_stage_at(p, (uint32_t)g->first_stage + g->stage_count - 1);
}

MSF_NOINLINE const msf_tensor *msf_result(const msf_program *p, const msf_group *g) {
  return msf_tensor_at(p, msf_last_stage(p, g)->out);
}

const msf_tensor *msf_grid(const msf_program *p, const msf_group *g) {
  return g->kind == MSF_GROUP_REDUCE ? msf_tensor_at(p, msf_last_stage(p, g)->in[0]) : msf_result(p, g);
}
