/* The operators by number: those that an export's model uses, so that the linker drops the others, or all. */
#include "engine/msf_operators.h"

#include "arch/msf_parts.h"

#if defined(MSF_USED_OPERATORS)

const msf_operator *const msf_operators[MSF_OP_COUNT] = {MSF_USED_OPERATORS};

#else

const msf_operator *const msf_operators[MSF_OP_COUNT] = {
    [MSF_OP_SOURCE] = &msf_source,
    [MSF_OP_CONV_2D] = &msf_conv_2d,
    [MSF_OP_DEPTHWISE_CONV_2D] = &msf_depthwise_conv_2d,
    [MSF_OP_ADD] = &msf_add,
    [MSF_OP_MUL] = &msf_mul,
    [MSF_OP_AVERAGE_POOL_2D] = &msf_average_pool_2d,
    [MSF_OP_MAX_POOL_2D] = &msf_max_pool_2d,
    [MSF_OP_TABLE] = &msf_table,
    [MSF_OP_PAD] = &msf_pad,
    [MSF_OP_GLOBAL_POOL] = &msf_global_pool,
    [MSF_OP_FULLY_CONNECTED] = &msf_fully_connected,
    [MSF_OP_SUB] = &msf_sub,
    [MSF_OP_MAXIMUM] = &msf_maximum,
    [MSF_OP_MINIMUM] = &msf_minimum,
    [MSF_OP_PRELU] = &msf_prelu,
    [MSF_OP_SOFTMAX] = &msf_softmax,
    [MSF_OP_CONCATENATION] = &msf_concatenation,
    [MSF_OP_SLICE] = &msf_slice,
    [MSF_OP_SPACE_TO_DEPTH] = &msf_space_to_depth,
    [MSF_OP_DEPTH_TO_SPACE] = &msf_depth_to_space,
    [MSF_OP_RESIZE_NEAREST_NEIGHBOR] = &msf_resize_nearest_neighbor,
    [MSF_OP_RESIZE_BILINEAR] = &msf_resize_bilinear,
    [MSF_OP_TRANSPOSE_CONV] = &msf_transpose_conv,
    [MSF_OP_GATHER] = &msf_gather,
    [MSF_OP_GROUPED_CONV_2D] = &msf_grouped_conv_2d,
    [MSF_OP_TABLE_OF_WORDS] = &msf_table_of_words,
    [MSF_OP_ARG_MAX] = &msf_arg_max,
    [MSF_OP_SQUARED_DIFFERENCE] = &msf_squared_difference,
};

#endif
