#include "kiln.h"
int inspect_main(int argc, char **argv){return 0;}
