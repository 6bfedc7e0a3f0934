/* counter.c: an extension module in C on fastframe: counts the frames in captured bytes, and the
 * bytes that their payloads have.
 *
 * Only the functions without Python, so the work is done with the GIL released.
 */
#include "fastframe_api.h"

static const ff_api *ff;

static PyObject *count(PyObject *module, PyObject *argument)
{
    Py_buffer view;
    ff_header header;
    ff_status status = FF_OK;
    size_t at = 0, frames = 0;
    uint64_t bytes = 0;
    (void)module;
    if (PyObject_GetBuffer(argument, &view, PyBUF_SIMPLE) < 0)
        return NULL;
    const uint8_t *data = view.buf;
    size_t length = (size_t)view.len;
    Py_BEGIN_ALLOW_THREADS
    while (at < length && (status = ff->header_parse(data + at, length - at, &header)) == FF_OK &&
           header.payload_length <= length - at - header.size) {
        at += header.size + (size_t)header.payload_length;
        bytes += header.payload_length;
        frames++;
    }
    Py_END_ALLOW_THREADS PyBuffer_Release(&view);
    if (status > FF_NEED_DATA)
        return PyErr_Format(PyExc_ValueError, "%s", ff->status_text(status));
    return Py_BuildValue("nK", (Py_ssize_t)frames, (unsigned long long)bytes);
}

static PyMethodDef methods[] = {
    {"count", count, METH_O,
     "count(data) -> (frames, bytes of payload); what is cut off at the end does not count"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "counter", NULL, 0, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_counter(void)
{
    if ((ff = ff_import()) == NULL)
        return NULL;
    return PyModule_Create(&definition);
}
