#include "double.h"
