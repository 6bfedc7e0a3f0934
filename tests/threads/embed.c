/* embed.c: begins and ends CPython so many times, and runs the same program in it each time. For
 * test_embedding.py. usage: embed TIMES PROGRAM */
#include <Python.h>

int main(int argc, char **argv)
{
    if (argc != 3)
        return 3;
    for (int i = atoi(argv[1]); i > 0; i--) {
        Py_Initialize();
        if (PyRun_SimpleString(argv[2]) != 0)
            return 1;
        if (Py_FinalizeEx() < 0)
            return 2;
    }
    return 0;
}
