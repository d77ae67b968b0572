#include "base/machine.h"
