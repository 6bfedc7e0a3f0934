/* kernel_calls.h: apply_mask, apply_mask_into and is_utf8 for Python.
 *
 * In C, as their time is that of the call: a Cython function looks up the state of its module once
 * for the name of each parameter and once for each default, which costs as much as all the rest.
 * Here arguments stay on the caller's stack (vectorcall), `bytes` are tried first, and any other
 * contiguous bytes-like object goes through the buffer protocol.
 */
#ifndef FASTFRAME_KERNEL_CALLS_H
#define FASTFRAME_KERNEL_CALLS_H

#include "buffers.h"
#include "fastframe.h"

#if defined(__GNUC__)
#define FF_UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#else
#define FF_UNLIKELY(condition) (condition)
#endif

/* ---- arguments: (what is masked, masking_key, offset=0), each by position or by name ---- */

enum { MASK_PARAMETERS = 3 };

static Py_ssize_t ff_parameter_called(PyObject *name, const char *const parameters[MASK_PARAMETERS])
{
    for (Py_ssize_t i = 0; i < MASK_PARAMETERS; i++) {
        if (PyUnicode_CompareWithASCIIString(name, parameters[i]) == 0)
            return i;
    }
    return -1;
}

static int ff_mask_arguments(PyObject *const *given, Py_ssize_t count, PyObject *names,
                             const char *function, const char *const parameters[MASK_PARAMETERS],
                             PyObject *values[MASK_PARAMETERS])
{
    if (FF_UNLIKELY(count > MASK_PARAMETERS)) {
        PyErr_Format(PyExc_TypeError, "%s() takes at most 3 arguments, not %zd", function, count);
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++)
        values[i] = given[i];
    for (Py_ssize_t i = 0; FF_UNLIKELY(names && i < PyTuple_GET_SIZE(names)); i++) {
        PyObject *name = PyTuple_GET_ITEM(names, i);
        Py_ssize_t k = ff_parameter_called(name, parameters);
        if (k < 0 || values[k]) {
            PyErr_Format(PyExc_TypeError,
                         k < 0 ? "%s() has no parameter '%U'" : "%s() got '%U' twice", function,
                         name);
            return -1;
        }
        values[k] = given[count + i];
    }
    for (Py_ssize_t i = 0; i < MASK_PARAMETERS - 1; i++) {
        if (FF_UNLIKELY(!values[i])) {
            PyErr_Format(PyExc_TypeError, "%s() needs the argument '%s'", function, parameters[i]);
            return -1;
        }
    }
    return 0;
}

/* `offset` modulo 4, which is all that counts; -1 with an exception if it is not a number of
 * bytes. */
static int ff_phase(PyObject *offset)
{
    int overflow = 0;
    if (!offset)
        return 0;
    if (!PyLong_Check(offset)) {
        PyErr_Format(PyExc_TypeError, "offset must be an int, not %.200s",
                     Py_TYPE(offset)->tp_name);
        return -1;
    }
    if (PyLong_AsLongLongAndOverflow(offset, &overflow) < 0 && overflow <= 0) {
        PyErr_Format(PyExc_ValueError, "offset must not be negative: %S", offset);
        return -1;
    }
    return (int)(PyLong_AsUnsignedLongLongMask(offset) & 3);
}

/* The masking key as it applies `offset` bytes into the payload. */
static int ff_key_argument(PyObject *masking_key, PyObject *offset,
                           uint8_t key[FF_MASKING_KEY_SIZE])
{
    uint8_t given[FF_MASKING_KEY_SIZE];
    Py_ssize_t size;
    if (PyBytes_CheckExact(masking_key)) {
        size = PyBytes_GET_SIZE(masking_key);
        if (size == FF_MASKING_KEY_SIZE)
            memcpy(given, PyBytes_AS_STRING(masking_key), FF_MASKING_KEY_SIZE);
    } else {
        Py_buffer view;
        if (ff_get_buffer(masking_key, &view, PyBUF_SIMPLE, "masking_key", FF_BYTES_LIKE) < 0)
            return -1;
        size = view.len;
        if (size == FF_MASKING_KEY_SIZE)
            memcpy(given, view.buf, FF_MASKING_KEY_SIZE);
        PyBuffer_Release(&view);
    }
    if (FF_UNLIKELY(size != FF_MASKING_KEY_SIZE)) {
        PyErr_Format(PyExc_ValueError, "masking_key must have 4 bytes, not %zd", size);
        return -1;
    }
    int phase = ff_phase(offset);
    if (FF_UNLIKELY(phase < 0))
        return -1;
    ff_masking_key_rotate(key, given, (uint64_t)phase);
    return 0;
}

/* ---- masking (RFC 6455, 5.3) ---- */

static PyObject *ff_masked_bytes(const uint8_t *data, Py_ssize_t length,
                                 const uint8_t key[FF_MASKING_KEY_SIZE])
{
    PyObject *masked = PyBytes_FromStringAndSize(NULL, length);
    if (masked)
        ff_kernels_active()->mask((uint8_t *)PyBytes_AS_STRING(masked), data, (size_t)length, key);
    return masked;
}

PyDoc_STRVAR(
    apply_mask_doc,
    "apply_mask($module, data, masking_key, offset=0)\n"
    "--\n"
    "\n"
    "Masks or unmasks `data` (RFC 6455, 5.3: the same operation) into a new object.\n"
    "\n"
    "data: any contiguous bytes-like object; it is not changed. TypeError if not.\n"
    "masking_key: bytes-like, 4 bytes. ValueError if not.\n"
    "offset: how many bytes of the same payload came before `data`, so that a payload may be "
    "masked\nin pieces.\n"
    "\n"
    "Returns new bytes of the same length.\n"
    "\n"
    ">>> apply_mask(apply_mask(b'payload', b'key!'), b'key!')\n"
    "b'payload'");

static PyObject *apply_mask(PyObject *module, PyObject *const *given, Py_ssize_t count,
                            PyObject *names)
{
    static const char *const parameters[MASK_PARAMETERS] = {"data", "masking_key", "offset"};
    PyObject *values[MASK_PARAMETERS] = {NULL};
    uint8_t key[FF_MASKING_KEY_SIZE];
    (void)module;
    if (ff_mask_arguments(given, count, names, "apply_mask", parameters, values) < 0 ||
        ff_key_argument(values[1], values[2], key) < 0)
        return NULL;
    if (PyBytes_CheckExact(values[0]))
        return ff_masked_bytes((const uint8_t *)PyBytes_AS_STRING(values[0]),
                               PyBytes_GET_SIZE(values[0]), key);
    Py_buffer view;
    if (ff_get_buffer(values[0], &view, PyBUF_SIMPLE, "data", FF_BYTES_LIKE) < 0)
        return NULL;
    PyObject *masked = ff_masked_bytes((const uint8_t *)view.buf, view.len, key);
    PyBuffer_Release(&view);
    return masked;
}

PyDoc_STRVAR(
    apply_mask_into_doc,
    "apply_mask_into($module, buffer, masking_key, offset=0)\n"
    "--\n"
    "\n"
    "Masks or unmasks the bytes of `buffer` in place (RFC 6455, 5.3).\n"
    "\n"
    "buffer: a writable, contiguous bytes-like object; it stays the caller's. TypeError if not.\n"
    "masking_key, offset: as for `apply_mask`.\n"
    "\n"
    ">>> buffer = bytearray(b'payload')\n"
    ">>> apply_mask_into(buffer, b'key!')\n"
    ">>> apply_mask_into(buffer, b'key!')\n"
    ">>> buffer\n"
    "bytearray(b'payload')");

static PyObject *apply_mask_into(PyObject *module, PyObject *const *given, Py_ssize_t count,
                                 PyObject *names)
{
    static const char *const parameters[MASK_PARAMETERS] = {"buffer", "masking_key", "offset"};
    PyObject *values[MASK_PARAMETERS] = {NULL};
    uint8_t key[FF_MASKING_KEY_SIZE];
    Py_buffer view;
    (void)module;
    if (ff_mask_arguments(given, count, names, "apply_mask_into", parameters, values) < 0 ||
        ff_key_argument(values[1], values[2], key) < 0 ||
        ff_get_buffer(values[0], &view, PyBUF_WRITABLE, "buffer", FF_WRITABLE_BYTES_LIKE) < 0)
        return NULL;
    ff_kernels_active()->mask((uint8_t *)view.buf, (const uint8_t *)view.buf, (size_t)view.len,
                              key);
    PyBuffer_Release(&view);
    Py_RETURN_NONE;
}

/* ---- UTF-8 (RFC 6455, 8.1; RFC 3629) ---- */

static bool ff_is_utf8(const uint8_t *data, Py_ssize_t length)
{
    ff_utf8 state = ff_utf8_start();
    return ff_kernels_active()->utf8_feed(&state, data, (size_t)length) && ff_utf8_complete(&state);
}

PyDoc_STRVAR(is_utf8_doc, "is_utf8($module, data, /)\n"
                          "--\n"
                          "\n"
                          "True if `data`, any contiguous bytes-like object, is well-formed UTF-8 "
                          "from its first to its\n"
                          "last byte (RFC 3629). TypeError for anything else.\n"
                          "\n"
                          ">>> is_utf8(b'\\xc3\\xa9'), is_utf8(b'\\xc3')\n"
                          "(True, False)");

static PyObject *is_utf8(PyObject *module, PyObject *data)
{
    (void)module;
    if (PyBytes_CheckExact(data))
        return PyBool_FromLong(
            ff_is_utf8((const uint8_t *)PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data)));
    Py_buffer view;
    if (ff_get_buffer(data, &view, PyBUF_SIMPLE, "data", FF_BYTES_LIKE) < 0)
        return NULL;
    bool valid = ff_is_utf8((const uint8_t *)view.buf, view.len);
    PyBuffer_Release(&view);
    return PyBool_FromLong(valid);
}

static PyMethodDef ff_kernel_calls[] = {
    {"apply_mask", (PyCFunction)(void (*)(void))apply_mask, METH_FASTCALL | METH_KEYWORDS,
     apply_mask_doc},
    {"apply_mask_into", (PyCFunction)(void (*)(void))apply_mask_into, METH_FASTCALL | METH_KEYWORDS,
     apply_mask_into_doc},
    {"is_utf8", is_utf8, METH_O, is_utf8_doc},
    {NULL, NULL, 0, NULL},
};

#endif
