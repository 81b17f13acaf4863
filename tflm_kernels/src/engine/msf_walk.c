#include "engine/msf_walk.h"

const msf_sizes msf_sizes_of_version[MSF_VERSION] = {
    {MSF_PROGRAM_SIZE_1, MSF_TENSOR_SIZE_1, MSF_STAGE_SIZE_1, MSF_GROUP_SIZE_1},
    {sizeof(msf_program), sizeof(msf_tensor), sizeof(msf_stage), sizeof(msf_group)},
};
