#include "CCloisterLinux.h"
