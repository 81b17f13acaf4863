/*
 * Which parts of the kernels are there. An export knows what its model uses, and comes with a header that says so; without
 * that header, or without it on the include path, everything is.
 *
 * A program that needs a part that is not there is refused by msf_prepare, or takes a slower way where one is said here.
 */
#ifndef MSF_PARTS_H_
#define MSF_PARTS_H_

#if defined(__has_include)
#if __has_include("msf_used.h")
#include "msf_used.h"
#endif
#endif

/* Programs of version 1 of the format, which earlier releases wrote. */
#if defined(MSF_WITHOUT_VERSION_1)
#define MSF_HAS_VERSION_1 0
#else
#define MSF_HAS_VERSION_1 1
#endif

/* Programs that keep something from one invocation to the next. */
#if defined(MSF_WITHOUT_STATES)
#define MSF_HAS_STATES 0
#else
#define MSF_HAS_STATES 1
#endif

/* Programs whose input comes from a row source. */
#if defined(MSF_WITHOUT_STREAMS)
#define MSF_HAS_STREAMS 0
#else
#define MSF_HAS_STREAMS 1
#endif

/* Packed CONV_2D of more than a pixel whose rows are multiples of 4 values: found where they are, by address. */
#if defined(MSF_WITHOUT_ADDRESSED)
#define MSF_HAS_ADDRESSED 0
#else
#define MSF_HAS_ADDRESSED 1
#endif

/* Packed CONV_2D of any other number of input channels: by im2col. */
#if defined(MSF_WITHOUT_IM2COL)
#define MSF_HAS_IM2COL 0
#else
#define MSF_HAS_IM2COL 1
#endif

/* The same with gaps between columns. */
#if defined(MSF_WITHOUT_DILATED_IM2COL)
#define MSF_HAS_DILATED_IM2COL 0
#else
#define MSF_HAS_DILATED_IM2COL 1
#endif

/* Packed CONV_2D to an odd number of channels, or less than 4; to one that is no multiple of 4; and DEPTHWISE_CONV_2D of such a one. */
#if defined(MSF_WITHOUT_ODD_CHANNELS)
#define MSF_HAS_ODD_CHANNELS 0
#else
#define MSF_HAS_ODD_CHANNELS 1
#endif
#if defined(MSF_WITHOUT_SPARE_CHANNELS)
#define MSF_HAS_SPARE_CHANNELS 0
#else
#define MSF_HAS_SPARE_CHANNELS 1
#endif
#if defined(MSF_WITHOUT_SPARE_DEPTHWISE)
#define MSF_HAS_SPARE_DEPTHWISE 0
#else
#define MSF_HAS_SPARE_DEPTHWISE 1
#endif

/* Depthwise convolutions of 3x3 by columns, of a stride of 1 and of 2, and to values below the zero point. Else: by taps. */
#if defined(MSF_WITHOUT_COLUMNS)
#define MSF_HAS_COLUMNS_OF_ONE 0
#else
#define MSF_HAS_COLUMNS_OF_ONE 1
#endif
#if defined(MSF_WITHOUT_COLUMNS_OF_TWO)
#define MSF_HAS_COLUMNS_OF_TWO 0
#else
#define MSF_HAS_COLUMNS_OF_TWO 1
#endif
#if defined(MSF_WITHOUT_NEGATIVE_COLUMNS)
#define MSF_HAS_NEGATIVE_COLUMNS 0
#else
#define MSF_HAS_NEGATIVE_COLUMNS 1
#endif

/* Packed CONV_2D of two pixels together that there is no room to widen, on Arm cores with DSP instructions. */
#if defined(MSF_WITHOUT_NARROW_PAIRS)
#define MSF_HAS_NARROW_PAIRS 0
#else
#define MSF_HAS_NARROW_PAIRS 1
#endif

/* Four pixels widened together to values below the zero point, there. Else: two by two. */
#if defined(MSF_WITHOUT_NEGATIVE_WIDENED)
#define MSF_HAS_NEGATIVE_WIDENED 0
#else
#define MSF_HAS_NEGATIVE_WIDENED 1
#endif

/* Four pixels widened together, there. Where little of the model gains by it, code that is to be small does without. */
#if defined(MSF_WITHOUT_WIDENED_WHERE_SMALL) && defined(__OPTIMIZE_SIZE__)
#define MSF_HAS_WIDENED 0
#else
#define MSF_HAS_WIDENED 1
#endif

/* Windows of one column, found faster than others. Else: as these. */
#if defined(MSF_WITHOUT_SINGLE_COLUMNS)
#define MSF_HAS_SINGLE_COLUMNS 0
#else
#define MSF_HAS_SINGLE_COLUMNS 1
#endif

/* Packed convolutions whose activation leaves out a part of int8, on Arm cores with DSP instructions. */
#if defined(MSF_WITHOUT_CLAMPS)
#define MSF_HAS_CLAMPS 0
#else
#define MSF_HAS_CLAMPS 1
#endif

/* Operators that enlarge a map. */
#if defined(MSF_WITHOUT_ENLARGING)
#define MSF_HAS_ENLARGING 0
#else
#define MSF_HAS_ENLARGING 1
#endif

/* GLOBAL_POOL of kinds other than AVERAGE. */
#if defined(MSF_WITHOUT_GLOBAL_MEAN)
#define MSF_HAS_GLOBAL_MEAN 0
#else
#define MSF_HAS_GLOBAL_MEAN 1
#endif
#if defined(MSF_WITHOUT_GLOBAL_MAX)
#define MSF_HAS_GLOBAL_MAX 0
#else
#define MSF_HAS_GLOBAL_MAX 1
#endif

#endif /* MSF_PARTS_H_ */
