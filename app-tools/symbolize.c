#include "kiln.h"
int symbolize_main(int argc, char **argv){return 0;}
