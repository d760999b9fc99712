#include "kiln.h"
int run_main(int argc, char **argv){return 0;}
